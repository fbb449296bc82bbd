// Passkeys and security keys: [data-ory-click] buttons, and the [data-ory-load] field for the browser's autofill.
// The browser's answer goes to Ory in a hidden field of the same form.
(function () {
  "use strict";

  // from: the field with what Ory asks for; to: the field for the answer
  const LOGIN = { from: "passkey_challenge", to: "passkey_login" };
  const TRIGGERS = {
    oryPasskeyLogin: LOGIN,
    oryPasskeyRegistration: { from: "passkey_create_data", to: "passkey_register", create: true },
    oryPasskeySettingsRegistration: { from: "passkey_create_data", to: "passkey_settings_register", create: true },
    oryWebAuthnLogin: { from: "webauthn_login_trigger", to: "webauthn_login" },
    oryWebAuthnRegistration: { from: "webauthn_register_trigger", to: "webauthn_register", create: true },
  };
  const ANSWERS = ["attestationObject", "authenticatorData", "clientDataJSON", "signature", "userHandle"];
  const ERRORS = {
    NotAllowedError: "refused",
    InvalidStateError: "known",
    NotSupportedError: "unsupported",
    ConstraintError: "unsupported",
    SecurityError: "host",
  };
  const scripts = (window.oryAuth = window.oryAuth || {});
  let end = null; // ends the request of the pressed button
  let autofill = null; // the request that waits in the browser's autofill: {abort, ended}

  function toBytes(text) {
    return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  }

  function toText(buffer) {
    const bytes = Array.from(new Uint8Array(buffer || []), (byte) => String.fromCharCode(byte)).join("");
    return btoa(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
  }

  function find(form, name) {
    return form.querySelector("[name='" + CSS.escape(name) + "']") || document.getElementsByName(name)[0];
  }

  function readOptions(form, trigger) {
    const data = JSON.parse(find(form, trigger.from).value);
    const options = (data.credentialOptions || data).publicKey;
    options.challenge = toBytes(options.challenge);
    for (const key of options.allowCredentials || []) key.id = toBytes(key.id);
    if (!trigger.create) return options;
    options.user.id = toBytes(options.user.id);
    const names = data.displayNameFieldNames || [data.displayNameFieldName];
    const named = names.map((name) => name && find(form, name)).find((field) => field && field.value);
    if (named) options.user.name = options.user.displayName = named.value;
    // Ory does not exclude the keys that the account has, so a device would get a second one.
    const excluded = options.excludeCredentials || [];
    for (const key of excluded) key.id = toBytes(key.id);
    for (const { value } of document.getElementsByName(trigger.from.split("_")[0] + "_remove")) {
      const id = Uint8Array.from(value.match(/../g) || [], (byte) => parseInt(byte, 16));
      excluded.push({ type: "public-key", id });
    }
    options.excludeCredentials = excluded;
    return options;
  }

  function send(form, trigger, { id, rawId, type, response }) {
    const answer = { id, rawId: toText(rawId), type, response: {} };
    for (const name of ANSWERS) if (name in response) answer.response[name] = toText(response[name]);
    find(form, trigger.to).value = JSON.stringify(answer);
    HTMLFormElement.prototype.submit.call(form); // without validation: the key replaces the password
  }

  // A new key is of no use if Ory then refuses the profile, or misses the name of the key.
  function isComplete(form) {
    const checked = [...form.elements].filter((field) => /^traits\.|_displayname$/.test(field.name));
    return checked.every((field) => field.reportValidity());
  }

  // The texts for people are in the page, in its language.
  function textOf(name) {
    return document.querySelector("[data-ory-keys]").dataset[name];
  }

  function addNote(button, className, text) {
    const note = document.createElement("p");
    note.className = "ory-message " + className;
    note.textContent = text;
    button.before(note);
    return note;
  }

  function explain(button, text) {
    const last = button.form.querySelector(".ory-key-error");
    if (last) last.remove();
    if (text) addNote(button, "ory-message-error ory-key-error", text).setAttribute("role", "alert");
  }

  // Adds a spinner and "Cancel"; returns the function that removes them.
  function begin(button, abort) {
    const cancel = document.createElement("button");
    cancel.type = "button";
    cancel.className = "ory-button ory-button-quiet";
    cancel.textContent = textOf("cancel");
    cancel.addEventListener("click", () => abort.abort());
    button.setAttribute("aria-busy", "true");
    button.after(cancel);
    return function () {
      if (document.activeElement === cancel) button.focus();
      button.removeAttribute("aria-busy");
      cancel.remove();
      end = null;
    };
  }

  async function press(button) {
    const trigger = TRIGGERS[button.dataset.oryClick];
    if (!trigger || end) return;
    explain(button, "");
    if (trigger.create && !isComplete(button.form)) return;
    const abort = new AbortController();
    end = begin(button, abort);
    try {
      await stopAutofill();
      const options = { publicKey: readOptions(button.form, trigger), signal: abort.signal };
      const credential = await navigator.credentials[trigger.create ? "create" : "get"](options);
      send(button.form, trigger, credential); // the button stays busy until the next page is there
    } catch (error) {
      end();
      if (!abort.signal.aborted) {
        console.debug("ory_auth:", error);
        const name = ERRORS[error.name] || "failed";
        explain(button, textOf(name + (trigger.create ? "Create" : "")) || textOf(name) || textOf("failed"));
      }
      startAutofill();
    }
  }

  async function stopAutofill() {
    if (!autofill) return;
    const { abort, ended } = autofill;
    autofill = null;
    abort.abort();
    await ended; // browsers refuse a second request before the first one has ended
  }

  async function startAutofill() {
    const field = document.querySelector("[data-ory-load='oryPasskeyLoginAutocompleteInit']");
    const browser = window.PublicKeyCredential;
    if (!field || !browser.isConditionalMediationAvailable) return;
    if (!document.querySelector("input[autocomplete~='webauthn']")) return;
    await stopAutofill();
    const abort = new AbortController();
    let finish;
    autofill = { abort, ended: new Promise((resolve) => (finish = resolve)) };
    try {
      if (!(await browser.isConditionalMediationAvailable())) return;
      const options = { publicKey: readOptions(field.form, LOGIN), mediation: "conditional", signal: abort.signal };
      send(field.form, LOGIN, await navigator.credentials.get(options));
    } catch (error) {
      if (!abort.signal.aborted) console.debug("ory_auth: autofill:", error);
    } finally {
      finish();
    }
  }

  // Browsers have keys only on pages that came over https, or from localhost.
  function hideButtons() {
    document.querySelectorAll("[data-ory-click]:not([hidden])").forEach(function (button, index) {
      if (!index) addNote(button, "", textOf(window.isSecureContext ? "noBrowser" : "noHttps"));
      button.hidden = true;
    });
  }

  if (!scripts.passkeys) {
    scripts.passkeys = window.PublicKeyCredential && navigator.credentials ? startAutofill : hideButtons;
    document.addEventListener("click", function (event) {
      const button = event.target.closest("[data-ory-click]");
      if (button) press(button);
    });
    window.addEventListener("pageshow", (event) => event.persisted && end && end());
  }
  scripts.passkeys();
})();
