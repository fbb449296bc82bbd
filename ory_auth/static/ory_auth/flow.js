// All pages with a form of Ory. Everything works without this script. It may run again after a page got a new form.
(function () {
  "use strict";

  const scripts = (window.oryAuth = window.oryAuth || {});
  const known = new WeakSet();

  function each(selector, callback) {
    document.querySelectorAll(selector).forEach(callback);
  }

  function eachNew(selector, callback) {
    each(selector, function (element) {
      if (known.has(element)) return;
      known.add(element);
      callback(element);
    });
  }

  // An empty text field of an array would be sent as an array with one empty item. Ory treats a missing trait like an
  // empty one, so empty traits are not sent. Forms that go to this site first need all of them.
  function dropEmptyTraits(event) {
    if (event.target.hasAttribute("data-ory-own")) return;
    for (const name of new Set(event.formData.keys())) {
      const values = event.formData.getAll(name);
      if (!name.startsWith("traits.") || !values.includes("")) continue;
      event.formData.delete(name);
      for (const value of values) if (value) event.formData.append(name, value);
    }
  }

  // A form is sent once, however often its button is pressed. After some seconds without an answer, it can be sent again.
  function setIdle(form) {
    form.classList.remove("ory-busy");
    form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  }

  function submitOnce(event) {
    const form = event.target;
    if (event.defaultPrevented || !form.matches(".ory-form")) return;
    if (form.classList.contains("ory-busy")) return event.preventDefault();
    form.querySelectorAll("[data-ory-show] input").forEach((input) => (input.type = "password"));
    form.classList.add("ory-busy");
    if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
    setTimeout(setIdle, 10000, form);
  }

  function addRevealButton(box) {
    const input = box.querySelector("input");
    const button = document.createElement("button");
    const { oryShow, oryHide, oryShowLabel, oryHideLabel } = box.dataset;
    function show(isShown) {
      input.type = isShown ? "text" : "password";
      button.textContent = isShown ? oryHide : oryShow;
      button.setAttribute("aria-label", isShown ? oryHideLabel : oryShowLabel);
    }
    button.type = "button";
    button.className = "ory-reveal";
    button.setAttribute("aria-controls", input.id);
    button.addEventListener("click", () => show(input.type === "password"));
    show(false);
    input.after(button);
  }

  // Some seconds after a code was sent, another one can be asked for. Loading the page again does not add to the time.
  function countDown(button) {
    const key = "ory-resend:" + location.pathname + location.search;
    const sent = Number(sessionStorage.getItem(key)) || Date.now();
    const count = document.createElement("span");
    sessionStorage.setItem(key, sent);
    button.append(count);
    button.addEventListener("click", () => sessionStorage.removeItem(key));
    (function tick() {
      const seconds = Math.ceil((sent - Date.now()) / 1000 + Number(button.dataset.oryResend));
      button.disabled = seconds > 0;
      count.textContent = seconds > 0 ? "0:" + String(seconds).padStart(2, "0") : "";
      if (seconds > 0) setTimeout(tick, 1000);
    })();
  }

  // Screen readers announce an alert when it changes. If no field has the focus, the error gets it.
  function announce(alert) {
    setTimeout(() => alert.replaceChildren(...alert.childNodes), 200);
    if (alert.tabIndex === -1 && alert.hasAttribute("tabindex") && !document.querySelector("[autofocus]")) alert.focus();
  }

  scripts.flow = scripts.flow || function () {
    // These fields must not be sent while they are empty, which takes this script.
    eachNew("[data-ory-enable]", (field) => (field.disabled = false));
    eachNew("[data-ory-show]", addRevealButton);
    eachNew("[data-ory-resend]", countDown);
    eachNew(".ory-content [role=alert]", announce);
    // Sends the whole profile on to Ory. This runs before the page counts as loaded, so "Back" does not return to it.
    eachNew("form[data-ory-submit]", (form) => form.submit());
  };

  if (!scripts.hasListeners) {
    scripts.hasListeners = true;
    document.addEventListener("formdata", dropEmptyTraits);
    document.addEventListener("submit", submitOnce);
    window.addEventListener("pageshow", (event) => event.persisted && each("form.ory-busy", setIdle));
  }
  scripts.flow();
})();
