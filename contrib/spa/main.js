// pages/static/app/main.js
import { call, signOut } from "./api.js";
import { getFlow, sendForm } from "./flow.js";
import { element, showFlow } from "./view.js";

const app = document.querySelector("#app");
const heading = element("h1", {});
const place = element("div", {});
const links = element("nav", { className: "ory-buttons" });
app.append(heading, place, links);

function show(title, content, actions) {
  heading.textContent = title;
  place.replaceChildren(...content);
  links.replaceChildren(...Object.entries(actions).map(([label, action]) => link(label, action)));
}

function link(label, action) {
  const made = element("button", { type: "button", className: "ory-button" }, label);
  made.addEventListener("click", () => run(action));
  return made;
}

// Runs an action. If Ory or the API needs something first, shows the flow for that, and then runs the action.
async function run(action) {
  try {
    await action();
  } catch (error) {
    if (error.code in LOGINS) return run(() => startFlow("login", LOGINS[error.code], action));
    if (error.to) return location.assign(error.to);
    const text = error.code === "ory_unavailable" ? "Please try again shortly. You are still signed in." : error.message;
    show("Something went wrong", [element("p", { role: "alert" }, text)], { "Try again": action });
  }
}

const LOGINS = {
  not_authenticated: {},
  session_aal2_required: { aal: "aal2" },
  session_refresh_required: { refresh: "true" },
};

async function startFlow(kind, parameters, goOn) {
  showStep(await getFlow(kind, parameters), goOn);
}

function showStep(flow, goOn) {
  show(titleOf(flow), [], linksOf(flow));
  showFlow(place, flow, (form, button) =>
    run(async () => {
      const next = await sendForm(flow, form, button);
      const comeBack = next?.refresh && flow.kind === "settings";
      if (next) showStep(next, comeBack ? () => startFlow("settings", {}, goOn) : goOn);
      else run(goOn);
    }),
  );
}

function titleOf({ kind, step_up, refresh }) {
  if (step_up) return "Second step";
  if (refresh) return "Confirm that it's you";
  return { login: "Sign in", registration: "Create account", settings: "Account settings" }[kind] ?? "Verify";
}

function linksOf({ kind, links }) {
  const actions = {};
  if (links.registration) actions["Create account"] = () => startFlow("registration", {}, home);
  if (links.recovery) actions["Forgot your password?"] = () => startFlow("recovery", {}, home);
  if (kind !== "login") actions[links.login ? "Sign in" : "Home"] = home;
  return actions;
}

async function home() {
  const me = await call("/api/me");
  show(`Hello, ${me.email}`, [], {
    "Open the vault": vault,
    "Account settings": () => startFlow("settings", {}, home),
    "Sign out": async () => {
      await signOut();
      run(home);
    },
  });
}

async function vault() {
  const { gold } = await call("/api/vault");
  show(`${gold} pieces of gold`, [], { Home: home });
}

run(home);
