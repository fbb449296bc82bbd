// Everything except security keys and passkeys works without this script.
(function () {
  "use strict";

  document.querySelectorAll("[data-ory-enable]").forEach(function (field) {
    field.disabled = false;
  });

  // An empty text field of an array would be sent as an array with one empty item. Ory treats a missing trait like an
  // empty one, so empty traits are not sent. Forms that go to this site first need all of them.
  document.addEventListener("formdata", function (event) {
    if (event.target.hasAttribute("data-ory-own")) return;
    for (const name of new Set(event.formData.keys())) {
      if (!name.startsWith("traits.")) continue;
      const values = event.formData.getAll(name);
      if (!values.includes("")) continue;
      event.formData.delete(name);
      for (const value of values) {
        if (value !== "") event.formData.append(name, value);
      }
    }
  });

  // Send the whole profile on to Ory. This runs before the page counts as loaded, so "Back" does not return to it.
  document.querySelectorAll("form[data-ory-submit]").forEach(function (form) {
    form.submit();
  });

  // Security keys and passkeys: a button or a field names the function of Ory's script that it starts.
  function start(name) {
    if (/^ory[A-Za-z]+$/.test(name) && typeof window[name] === "function") window[name]();
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-ory-click]");
    if (button) start(button.dataset.oryClick);
  });

  function startOnLoad() {
    document.querySelectorAll("[data-ory-load]").forEach(function (field) {
      start(field.dataset.oryLoad);
    });
  }

  if (window.__oryWebAuthnInitialized) startOnLoad();
  else window.addEventListener("oryWebAuthnInitialized", startOnLoad);
})();
