// The page in a real browser, against the real program: `node page.mjs MODULES PROGRAM FOLDER`.
//
// Not here: what a page should look like. MODULES has `playwright-core` and `axe-core`, PROGRAM is `remit`, and screenshots go to
// FOLDER. The home is that of the environment. It ends with status 0 when all of it is as it should be, and says what is not.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer, connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [modules, program, folder] = process.argv.slice(2);
const { chromium } = createRequire(join(modules, "x.js"))("playwright-core");
const axe = readFileSync(join(modules, "axe-core", "axe.min.js"), "utf8");
const CHROMIUM = process.env.REMIT_TEST_CHROMIUM ?? "/usr/bin/chromium";

/** Starts the server with the demo, and says where it lets one in. */
async function serve() {
  const server = spawn(program, ["serve", "--demo", "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  const said = [];
  for await (const line of createInterface({ input: server.stdout })) {
    said.push(line);
    const address = /http:\/\/\S+token=\S+/.exec(line);
    if (address) return { server, address: address[0] };
  }
  throw new Error(`the server ended: ${said.join("\n")}`);
}

/** A way to the server that can be cut: what goes through it ends, and nothing new comes through until it is mended. */
async function way(port) {
  const open = new Set();
  let cut = false;
  const proxy = createServer((near) => {
    if (cut) return near.destroy();
    const far = connect(port, "127.0.0.1");
    for (const [one, other] of [[near, far], [far, near]]) {
      open.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => (open.delete(one), other.destroy()));
    }
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return {
    port: proxy.address().port,
    cut: () => ((cut = true), open.forEach((one) => one.destroy())),
    mend: () => (cut = false),
    close: () => (open.forEach((one) => one.destroy()), proxy.close()),
  };
}

let shots = 0;

async function shoot(page, name) {
  await page.screenshot({ path: join(folder, `${String(++shots).padStart(2, "0")}-${name}.png`) });
}

/** That axe finds nothing on a page. */
async function isForAll(page, name) {
  const found = await page.evaluate(`${axe}; axe.run(document)`);
  const told = found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`);
  assert.deepEqual(told, [], name);
}

const words = (page) => page.locator("#conversation").innerText();
const chip = (page) => page.locator("#mode").getAttribute("data-mode");

const { server, address } = await serve();
const tunnel = await way(Number(new URL(address).port));
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (line) => /Content Security/.test(line.text()) && wrong.push(line.text()));

  // In by the printed address, to the sessions.
  await page.goto(address.replace(/:\d+\//, `:${tunnel.port}/`));
  await page.waitForURL((url) => url.pathname === "/");
  await shoot(page, "sessions");
  await isForAll(page, "sessions");

  // The demo's first words stand there; Agent is the mode.
  assert.match(await page.locator("textarea[name=text]").inputValue(), /The tests fail/);
  await page.getByRole("button", { name: "Begin" }).click();
  await page.waitForURL(/\/s\//);
  await page.locator(".ask").first().waitFor();
  assert.equal(await chip(page), "agent");
  await shoot(page, "asked-in-agent");
  await isForAll(page, "a session that asks");

  // What is asked survives a reload, and stands in every tab.
  await page.reload();
  const other = await context.newPage();
  await other.goto(page.url());
  const question = await page.locator(".ask h3").first().innerText();
  assert.equal(await other.locator(".ask h3").first().innerText(), question);

  // An answer in one tab is seen in the other.
  await other.locator(".ask button[value=once]").first().click();
  await page.waitForFunction((was) => document.querySelector(".ask h3")?.innerText !== was, question);

  // YOLO asks first, takes no empty cap, and changes nothing until it is told.
  await page.keyboard.press("Alt+3");
  const cap = page.locator("#dialog #cap");
  await cap.waitFor();
  assert.equal(await cap.inputValue(), "5.00");
  await cap.fill("");
  await page.getByRole("button", { name: "YOLO with this cap" }).click();
  assert.match(await page.locator("#dialog .wrong").innerText(), /Give a cap/);
  assert.equal(await chip(page), "agent");
  await cap.fill("5.00");
  await shoot(page, "yolo-dialog");
  await isForAll(page, "the dialog");
  await page.getByRole("button", { name: "YOLO with this cap" }).click();
  await page.waitForFunction(() => document.querySelector("#mode").dataset.mode === "yolo");
  await other.waitForFunction(() => document.querySelector("#mode").dataset.mode === "yolo");

  // The connection is lost in the middle, and nothing is missed or doubled.
  tunnel.cut();
  await page.locator("#connection:not([hidden])").waitFor();
  await shoot(page, "not-connected");
  tunnel.mend();
  await page.locator("#connection").waitFor({ state: "hidden" });

  // Whatever else asks is no permission that fits; it is answered until the turn is over.
  for (;;) {
    const next = page.locator(".ask, .end").last();
    await next.waitFor();
    if ((await page.locator(".ask").count()) === 0 && (await page.locator(".end").count()) > 0) break;
    const asks = page.locator(".ask").first();
    if ((await asks.count()) === 0) continue;
    const was = await asks.getAttribute("id");
    await shoot(page, "asked-in-yolo");
    if ((await asks.locator("button[value=no]").count()) > 0) {
      assert.match(await asks.innerText(), /bound|cap/i, "only what does not fit asks in YOLO");
      await asks.locator("button[value=no]").click();
    } else {
      await asks.locator("textarea[name=text]").fill("Yes, go on.");
      await asks.getByRole("button", { name: "Answer" }).click();
    }
    await page.locator(`[id="${was}"]`).waitFor({ state: "detached" });
  }
  await page.locator(".end").last().scrollIntoViewIfNeeded();
  await shoot(page, "receipt");
  await isForAll(page, "a session that is over");
  assert.match(await page.locator(".end").last().innerText(), /in YOLO/);

  // The page that was told of each event is the page that is drawn anew, in both tabs.
  const told = await words(page);
  assert.equal(await words(other), told);
  await page.reload();
  assert.equal(await words(page), told);

  for (const [name, path] of [["spend", `${page.url()}/spend`], ["contract", "/contract"]]) {
    await page.goto(new URL(path, page.url()).href);
    await shoot(page, name);
    await isForAll(page, name);
  }
  assert.deepEqual(wrong, []);
} finally {
  await browser.close();
  tunnel.close();
  server.kill("SIGTERM");
}
