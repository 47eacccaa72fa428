// What a page does beside showing itself: it follows its session, sends forms without leaving, and knows the keys.
//
// Not here: any decision. Every form works without this file; what it sends is what the form would have sent.

const $ = (id) => document.getElementById(id);
const conversation = $("conversation");

// --- fragments: what happens in the session, as pieces of this page

// Who reads the end goes on reading it, whatever becomes longer; who has scrolled up stays.
let readsEnd = true;

function toEnd() {
  readsEnd = true;
  window.scrollTo(0, document.documentElement.scrollHeight);
}

if (conversation) {
  let was = scrollY;
  history.scrollRestoration = "manual";
  addEventListener("scroll", () => {
    // What came below since the last frame is nobody's scrolling up.
    const isEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 80;
    readsEnd = isEnd || (readsEnd && scrollY >= was);
    was = scrollY;
  });
  new ResizeObserver(() => readsEnd && toEnd()).observe($("main"));
}

/** What a person has begun in an element that is about to be replaced: words, open parts, the place of the keys. */
function begun(element) {
  const fields = [...element.querySelectorAll("textarea, input:not([type=hidden])")];
  return {
    focus: element.contains(document.activeElement) ? document.activeElement.id || "#" : "",
    open: [...element.querySelectorAll("details[id][open]")].map((one) => one.id),
    self: element.tagName === "DETAILS" && element.open,
    values: fields.filter((one) => one.value !== one.defaultValue).map((one) => [one.name, one.value]),
  };
}

function goOn(element, was) {
  for (const id of was.open) if ($(id)) $(id).open = true;
  if (was.self) element.open = true;
  for (const [name, value] of was.values) {
    const field = [...element.querySelectorAll("textarea, input:not([type=hidden])")].find((one) => one.name === name);
    if (field) field.value = value;
  }
  if (was.focus) ($(was.focus) || element.querySelector(".ask, button, summary") || $("words"))?.focus({ preventScroll: true });
}

function apply({ target, swap, html }) {
  if (swap === "title") {
    document.title = new DOMParser().parseFromString(html, "text/html").documentElement.textContent;
    return;
  }
  const element = $(target);
  if (swap === "gone") return element?.remove();
  if (swap === "inner") return element && (element.innerHTML = html);
  if (swap === "add") return add(element, html);
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = template.content.firstElementChild;
  if (!fresh) return;
  if (element) {
    const was = begun(element);
    element.replaceWith(fresh);
    goOn(fresh, was);
  } else if (conversation) {
    conversation.append(fresh);
    $("empty")?.remove();
  }
  if (fresh.querySelector(".ask")) announce(fresh.querySelector(".ask h3").textContent);
}

const MOST_OUTPUT = 131072;

function add(element, html) {
  if (!element) return;
  const follows = element.scrollTop + element.clientHeight >= element.scrollHeight - 20;
  element.insertAdjacentHTML("beforeend", html);
  while (element.childNodes.length > 1 && element.textContent.length > MOST_OUTPUT) element.firstChild.remove();
  if (element.dataset.follows !== undefined && follows) element.scrollTop = element.scrollHeight;
}

function announce(words) {
  $("announce").textContent = words;
}

// --- the stream: every event once, from where this page was drawn

const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15000];
let stream = null;
let last = conversation?.dataset.after || "";
let tries = 0;
let waiting = 0;

function follow() {
  clearTimeout(waiting);
  stream?.close();
  stream = new EventSource(`${conversation.dataset.live}?after=${encodeURIComponent(last)}`);
  stream.onopen = () => {
    tries = 0;
    $("connection").hidden = true;
  };
  stream.onmessage = (message) => {
    for (const fragment of JSON.parse(message.data)) apply(fragment);
    last = message.lastEventId || last;
    sketchMode();
  };
  stream.onerror = () => {
    // The browser's own tries end at the first answer that is no stream, such as that of a server that is starting.
    stream.close();
    $("connection").hidden = false;
    if (!document.hidden) waiting = setTimeout(follow, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]);
  };
}

const HIDDEN_MS = 60000;
let hiddenFor = 0;

if (conversation && conversation.dataset.live) {
  follow();
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenFor);
    if (document.hidden) hiddenFor = setTimeout(() => stream?.close(), HIDDEN_MS);
    else if (!stream || stream.readyState === EventSource.CLOSED) follow();
  });
  window.addEventListener("online", follow);
}

function sketchMode() {
  const mode = $("mode")?.dataset.mode;
  if (mode && $("composer")) $("composer").dataset.mode = mode;
  if (mode) document.body.dataset.mode = mode;
}
sketchMode();

// --- forms: sent without leaving the page; what was typed stays when they fail

function say(words, near) {
  const place = near?.closest("dialog")?.querySelector(".wrong") || $("trouble");
  if (place) place.textContent = words;
}

function badCap(form) {
  const field = form.querySelector("[name=cap]");
  if (!field) return "";
  // What is no amount of dollars the server says.
  return field.value.trim() === "" ? "Give a cap in dollars; to have none, open \u201cNo cap at all\u201d." : "";
}

// What was wrong with a cap is over when another is written.
document.addEventListener("input", (event) => {
  if (event.target.name === "cap" && event.target.closest("dialog")) say("", event.target);
});

async function send(form, button) {
  const body = new URLSearchParams(new FormData(form, button));
  if (form.dataset.cap !== undefined && button?.value !== "yolo:uncapped") {
    const wrong = badCap(form);
    if (wrong) {
      say(wrong, form);
      form.querySelector("[name=cap]").focus();
      return;
    }
  }
  if (form.dataset.cap !== undefined && button?.value === "yolo:uncapped") body.delete("cap");
  const buttons = [...form.querySelectorAll("button")];
  buttons.forEach((one) => (one.disabled = true));
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    const type = answer.headers.get("content-type") || "";
    if (!answer.ok) {
      const told = type.includes("json") ? (await answer.json()).detail : `the server said ${answer.status}`;
      say(told, form);
      return;
    }
    say("", form);
    form.closest("dialog")?.close();
    form.closest("details.rename")?.removeAttribute("open");
    if (form.id === "composer") {
      form.reset();
      $("words").value = "";
      $("words").focus();
      toEnd();
    }
  } catch {
    say("Not sent: the server cannot be reached. What you wrote is still here.", form);
  } finally {
    buttons.forEach((one) => (one.disabled = false));
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.send === undefined) return;
  event.preventDefault();
  send(form, event.submitter);
});

// --- dialogs: other pages' parts, shown over this one

async function openDialog(link) {
  const dialog = $("dialog");
  try {
    const answer = await fetch(link.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const part = page.getElementById(link.dataset.dialog);
    if (!answer.ok || !part) throw new Error("no such part");
    $("dialog-body").replaceChildren(document.adoptNode(part));
  } catch {
    return location.assign(link.href);
  }
  const title = $("dialog-body").querySelector("h2");
  dialog.setAttribute("aria-label", title ? title.textContent : "Dialog");
  dialog.dataset.shows = link.dataset.dialog;
  if (!$("dialog-body").querySelector("[data-close]")) {
    const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close" });
    close.dataset.close = "";
    $("dialog-body").append(close);
  }
  dialog.showModal();
  dialog.querySelector("[autofocus]")?.select();
}

document.addEventListener("click", (event) => {
  const target = event.target;
  const link = target.closest("a[data-dialog]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    openDialog(link);
    return;
  }
  if (target.closest("[data-close]") && target.closest("dialog")) {
    event.preventDefault();
    target.closest("dialog").close();
    return;
  }
  if (target.closest("[data-jump]")) {
    event.preventDefault();
    toQuestion();
    return;
  }
  const copy = target.closest("button.copy");
  if (copy) {
    navigator.clipboard.writeText(copy.closest(".code-box").querySelector("code").textContent).then(() => {
      copy.textContent = "Copied";
      setTimeout(() => (copy.textContent = "Copy"), 1500);
    });
  }
});

function toQuestion() {
  const asks = [...document.querySelectorAll(".ask")];
  if (asks.length === 0) return;
  const at = asks.indexOf(document.activeElement?.closest(".ask"));
  const next = asks[(at + 1) % asks.length];
  next.scrollIntoView({ block: "center" });
  next.focus({ preventScroll: true });
}

// --- the theme and the help

function nextTheme() {
  const now = document.documentElement.dataset.theme;
  const dark = now ? now === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("theme", document.documentElement.dataset.theme);
  } catch {
    // A browser may keep nothing; the theme then lasts as long as the page.
  }
}

for (const [id, does] of [["theme", nextTheme], ["help-open", () => $("help").showModal()]]) {
  if (!$(id)) continue;
  $(id).hidden = false;
  $(id).addEventListener("click", does);
}

// --- keys

const isField = (element) => element?.matches?.("input, textarea, select") ?? false;

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.defaultPrevented) return;
  const { key, target } = event;
  const dialogIsOpen = document.querySelector("dialog[open]") !== null;
  if (event.altKey && ["1", "2", "3"].includes(key) && !dialogIsOpen) {
    $(["mode-plan", "mode-agent", "mode-yolo"][key - 1])?.click();
    event.preventDefault();
  } else if (event.altKey && key.toLowerCase() === "q" && !dialogIsOpen) {
    toQuestion();
    event.preventDefault();
  } else if (event.ctrlKey && key === "/") {
    $("words")?.focus();
    event.preventDefault();
  } else if (key === "Escape" && !dialogIsOpen && !isHere($("files"))) {
    escape(target);
  } else if (!isField(target) && !event.ctrlKey && !event.metaKey && !event.altKey && !dialogIsOpen) {
    letter(event);
  }
});

const isHere = (element) => element && !element.hidden;

function escape(target) {
  const open = target.closest?.("details[open]");
  if (open) open.open = false;
  else document.querySelector("#doing .stop")?.click();
}

function letter(event) {
  if (event.key === "?") {
    $("help").showModal();
    event.preventDefault();
    return;
  }
  const button = event.target.closest?.(".ask")?.querySelector(`button[data-key="${CSS.escape(event.key)}"]`);
  if (button && event.target.matches(".ask")) {
    button.click();
    event.preventDefault();
  }
}

// --- where the person writes

const words = $("words");
const files = $("files");
let asking = 0;

/** The `@` word in which the cursor is, if it is in one. */
function mention() {
  const before = words.value.slice(0, words.selectionStart);
  return /(?:^|\s)@([^\s@]*)$/.exec(before)?.[1];
}

async function complete() {
  const query = mention();
  const mine = ++asking;
  if (query === undefined) return closeFiles();
  try {
    const answer = await fetch(`${words.dataset.files}?q=${encodeURIComponent(query)}`);
    const names = answer.ok ? await answer.json() : [];
    if (mine === asking) showFiles(names);
  } catch {
    closeFiles();
  }
}

function showFiles(names) {
  files.replaceChildren(
    ...names.slice(0, 12).map((name, at) => {
      const option = Object.assign(document.createElement("li"), { textContent: name, id: `file-${at}` });
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", at === 0);
      option.addEventListener("mousedown", (event) => {
        event.preventDefault();
        take(name);
      });
      return option;
    }),
  );
  files.hidden = names.length === 0;
  words.setAttribute("aria-activedescendant", names.length ? "file-0" : "");
}

function closeFiles() {
  files.hidden = true;
  words.removeAttribute("aria-activedescendant");
}

function take(name) {
  const end = words.selectionStart;
  const begin = end - mention().length;
  const quoted = /\s/.test(name) ? `"${name}"` : name;
  words.setRangeText(`${quoted} `, begin, end, "end");
  closeFiles();
}

function moveIn(step) {
  const all = [...files.children];
  const at = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
  const next = (at + step + all.length) % all.length;
  all.forEach((one, index) => one.setAttribute("aria-selected", index === next));
  words.setAttribute("aria-activedescendant", all[next].id);
  all[next].scrollIntoView({ block: "nearest" });
}

function keyInFiles(event) {
  const chosen = files.querySelector("[aria-selected=true]");
  if (event.key === "ArrowDown") moveIn(1);
  else if (event.key === "ArrowUp") moveIn(-1);
  else if (event.key === "Tab" || event.key === "Enter") take(chosen.textContent);
  else if (event.key === "Escape") closeFiles();
  else return;
  event.preventDefault();
}

if (words) {
  words.addEventListener("input", complete);
  words.addEventListener("blur", closeFiles);
  words.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (isHere(files)) return keyInFiles(event);
    if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      if (words.value.trim() !== "") words.form.requestSubmit(words.form.querySelector(".send"));
    }
  });
}

// --- the list of sessions: looked at anew while somebody looks at it

const list = $("sessions");
const REFRESH_MS = 5000;

if (list) {
  setInterval(async () => {
    if (document.hidden || list.contains(document.activeElement) || list.querySelector("details[open]")) return;
    try {
      const answer = await fetch(location.href);
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("sessions");
      if (fresh) $("sessions").replaceChildren(...fresh.childNodes);
      document.title = page.title;
    } catch {
      // The list stays as it was until the server answers again.
    }
  }, REFRESH_MS);
}

function revealCopy(root) {
  if (navigator.clipboard) root.querySelectorAll("button.copy[hidden]").forEach((one) => (one.hidden = false));
}
revealCopy(document);
if (conversation) {
  const main = $("main");
  new MutationObserver(() => revealCopy(main)).observe(main, { childList: true, subtree: true });
}
