// What a browser does with a script of a page, as far as a guide depends on it: cookies, CORS, and where it is sent.
// node script.mjs MODULE EXPRESSION < {"page": "http://…/", "site": "http://…", "cookies": {name: value}}
import { pathToFileURL } from "node:url";
import { readFileSync } from "node:fs";

const [module, expression] = process.argv.slice(2);
const { page, site, cookies } = JSON.parse(readFileSync(0, "utf8"));
const origin = new URL(page).origin;
const told = { went: null, set: [] };
const send = globalThis.fetch;

globalThis.location = { href: page, assign: (url) => (told.went ??= String(url)) };
globalThis.fetch = async (url, { method = "GET", headers = {}, credentials, body } = {}) => {
  const simple = ["GET", "HEAD"].includes(method) && Object.keys(headers).every((name) => name === "Accept");
  if (!simple) {
    const wanted = Object.keys(headers).map((name) => name.toLowerCase()).filter((name) => name !== "accept");
    const asked = { Origin: origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": wanted.join(",") };
    const answer = await send(url, { method: "OPTIONS", headers: asked });
    readable(answer);
    const allowed = (answer.headers.get("Access-Control-Allow-Headers") ?? "").toLowerCase().split(/, */);
    if (!wanted.every((name) => allowed.includes(name))) throw new TypeError(`CORS: a header of ${wanted}`);
    if (!(answer.headers.get("Access-Control-Allow-Methods") ?? "").includes(method)) throw new TypeError(`CORS: ${method}`);
  }
  const own = Object.entries(cookies).map(([name, value]) => `${name}=${value}`).join("; ");
  const sent = { ...headers, Origin: origin, ...(credentials === "include" && own ? { Cookie: own } : {}) };
  const answer = await send(url, { method, headers: sent, body, redirect: "error" });
  readable(answer);
  for (const line of answer.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
    cookies[name] = value;
    told.set.push(line);
  }
  return answer;
};

function readable(answer) {
  const allowed = answer.headers.get("Access-Control-Allow-Origin");
  if (allowed !== origin || answer.headers.get("Access-Control-Allow-Credentials") !== "true") {
    throw new TypeError(`CORS: ${origin} may not read ${answer.status} of ${answer.url}`);
  }
}

const names = await import(pathToFileURL(module));
try {
  const run = new Function(...Object.keys(names), `return ${expression}`);
  told.result = await run(...Object.values(names));
} catch (error) {
  told.error = { message: error.message, status: error.status ?? null, code: error.code ?? null };
}
console.log(JSON.stringify(told));
