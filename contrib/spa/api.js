// pages/static/app/api.js
// Calls the API of this site. `error.code` says why a call was refused.
export async function call(path, { method = "GET", body } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") {
    headers["Content-Type"] = "application/json";
    headers["X-CSRFToken"] = await csrfToken();
  }
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const answer = response.status === 204 ? null : await response.json();
  if (response.ok) return answer;
  throw Object.assign(new Error(answer.detail), { status: response.status, code: answer.code });
}

export async function csrfToken() {
  return (await call("/api/csrf")).token;
}

export async function signOut() {
  await call("/auth/logout", { method: "POST" });
}
