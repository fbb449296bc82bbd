// What a flow's page can do with scripts; everything but security keys works without.
(function () {
  "use strict";

  document.querySelectorAll("[data-ory-enable]").forEach(function (field) {
    field.disabled = false;
  });

  // An empty text field of an array would be sent as an array with one empty item. Ory reads a trait that is left
  // out as it reads an empty one, so empty traits are left out. Forms that go to this site first need them all.
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

  // The profile on its way to Ory. Scripts run before the page counts as loaded, so "Back" does not return to it.
  document.querySelectorAll("form[data-ory-submit]").forEach(function (form) {
    form.submit();
  });

  // Security keys and passkeys: Ory names the function of its own script that a button or a field starts.
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
