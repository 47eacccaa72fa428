// An OpenID Connect provider on this machine, for tests: the npm package `oidc-provider` with a few accounts.
// Started with the folder of its modules; says its address, and ends when its input does.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const modules = process.argv[2];
const require = createRequire(join(modules, "x.js"));
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")).href);

const back = "http://localhost:8080/sign-in/oidc/back";
const client = (client_id, rest) => ({ client_id, redirect_uris: [back], response_types: ["code"], grant_types: ["authorization_code"], ...rest });
const configuration = {
  clients: [
    client("remit", { client_secret: "a secret/with:odd=letters", token_endpoint_auth_method: "client_secret_basic" }),
    client("public", { token_endpoint_auth_method: "none" }),
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["preferred_username"] },
  // The name somebody signs in by is their subject; whoever is called so has not verified their address.
  findAccount: (_context, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, email: `${id}@example.org`, email_verified: id !== "mallory", preferred_username: id }),
  }),
};

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.on("request", new Provider(issuer, configuration).callback());
  console.log(`issuer ${issuer}`);
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
