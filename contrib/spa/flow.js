// pages/static/app/flow.js
import { csrfToken } from "./api.js";

// Starts a flow ("login", "registration", "settings", …). With the parameter `flow`, reads one again.
export async function getFlow(kind, parameters = {}) {
  const query = new URLSearchParams({ next: location.href, ...parameters, format: "json" });
  const response = await fetch(`/auth/${kind}?${query}`);
  const answer = await response.json();
  if (response.ok) return answer.flow;
  if (answer.code === "flow_gone") return getFlow(kind); // it has expired: start again
  throw Object.assign(new Error(answer.detail), { code: answer.code, to: answer.redirect_browser_to });
}

// Sends a form with one of its buttons. Returns the flow to show next, or null if everything is done.
export async function sendForm(flow, form, button) {
  let action = form.action;
  let body = new URLSearchParams(new FormData(form, button));
  if (form.dataset.goesToSite) {
    const headers = { "X-CSRFToken": await csrfToken() };
    const { submit } = await (await fetch(action, { method: "POST", headers, body })).json();
    action = submit.action;
    body = new URLSearchParams(submit.fields);
  }
  const response = await fetch(action, { method: "POST", headers: { Accept: "application/json" }, body });
  const answer = await response.json();
  if (answer.ui) return getFlow(flow.kind, { flow: answer.id }); // what was wrong, the next step, or "saved"
  if (response.ok) return nextFlow(answer);
  if (response.status === 422) return leave(new URL(answer.redirect_browser_to, location.href));
  if (answer.error?.id === "session_refresh_required") return getFlow("login", { refresh: "true" });
  return getFlow(flow.kind); // the form has expired, or its cookie is gone: start again
}

// Ory says what comes next: an address to verify, perhaps.
function nextFlow(answer) {
  const step = (answer.continue_with ?? []).find(({ action }) => action === "show_verification_ui");
  return step ? getFlow("verification", { flow: step.flow.id }) : null;
}

// To a social provider, for example. The browser comes back to this app. A second factor can be used here.
function leave(url) {
  if (url.searchParams.get("aal") === "aal2") return getFlow("login", { aal: "aal2" });
  location.assign(url);
  return new Promise(() => {});
}
