// Ory Network's captcha: Cloudflare Turnstile. Its token goes to Ory in hidden fields; each submit needs a new one.
(function () {
  "use strict";

  const box = document.querySelector("[data-ory-captcha]");
  if (!box || box.dataset.oryStarted) return;
  box.dataset.oryStarted = "";
  const { orySitekey: sitekey, oryAction: action, oryTheme: theme, oryField: field } = box.dataset;
  const problem = box.parentElement.querySelector("[role=alert]");

  const inputs = () => [...document.getElementsByName(field)];
  let widget;
  let hasFailed = false;
  let waiting = null; // a submit that waits for the token

  function setToken(token) {
    inputs().forEach((input) => (input.value = token));
    if (!token || !waiting) return;
    const { form, button } = waiting;
    waiting = null;
    form.requestSubmit(button);
  }

  function reset() {
    setToken("");
    if (widget) window.turnstile.reset(widget);
  }

  function fail() {
    hasFailed = true;
    problem.hidden = false;
  }

  // In capture, so that flow.js does not count a submit that has to wait. Without a captcha, Ory says what is missing.
  document.addEventListener(
    "submit",
    function (event) {
      const input = inputs().find((one) => one.form === event.target);
      if (!input || hasFailed) return;
      if (input.value) {
        setTimeout(reset, 10000); // in case that no next page comes
      } else {
        event.preventDefault();
        waiting = { form: event.target, button: event.submitter };
      }
    },
    true,
  );
  window.addEventListener("pageshow", (event) => event.persisted && reset());

  const script = document.createElement("script");
  script.src = "https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit";
  script.onerror = fail;
  script.onload = function () {
    widget = window.turnstile.render(box, {
      sitekey,
      action: action || undefined,
      theme: theme || "auto",
      callback: setToken,
      "expired-callback": () => setToken(""),
      "error-callback": fail,
    });
  };
  document.head.append(script);
})();
