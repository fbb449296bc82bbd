// Passkeys and security keys. A button with data-ory-click, or a hidden field with data-ory-load, names what to do. The
// answer of the browser goes to Ory in a hidden field of the same form.
(function () {
  "use strict";

  // The field with what Ory asks for, the field for the answer, and the buttons that name the keys of this account.
  const TRIGGERS = {
    oryPasskeyLogin: { from: "passkey_challenge", to: "passkey_login" },
    oryPasskeyLoginAutocompleteInit: { from: "passkey_challenge", to: "passkey_login" },
    oryPasskeyRegistration: { from: "passkey_create_data", to: "passkey_register", create: true },
    oryPasskeySettingsRegistration: {
      from: "passkey_create_data",
      to: "passkey_settings_register",
      create: true,
      known: "passkey_remove",
    },
    oryWebAuthnLogin: { from: "webauthn_login_trigger", to: "webauthn_login" },
    oryWebAuthnRegistration: {
      from: "webauthn_register_trigger",
      to: "webauthn_register",
      create: true,
      known: "webauthn_remove",
    },
  };
  const ANSWERS = ["attestationObject", "authenticatorData", "clientDataJSON", "signature", "userHandle"];
  const scripts = (window.oryAuth = window.oryAuth || {});

  let running = null; // ends the request of the pressed button
  let autofill = null; // the request that waits in the list of the browser's autofill: {abort, ended}

  function decode(text) {
    return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
  }

  function encode(buffer) {
    const bytes = Array.from(new Uint8Array(buffer || []), (byte) => String.fromCharCode(byte)).join("");
    return btoa(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
  }

  function decodeHex(text) {
    return Uint8Array.from(text.match(/[0-9a-f]{2}/g) || [], (byte) => parseInt(byte, 16));
  }

  function find(form, name) {
    return form.querySelector("[name='" + CSS.escape(name) + "']") || document.getElementsByName(name)[0];
  }

  // The options of navigator.credentials, made of Ory's JSON.
  function readOptions(form, trigger) {
    const data = JSON.parse(find(form, trigger.from).value);
    const options = (data.credentialOptions || data).publicKey;
    options.challenge = decode(options.challenge);
    for (const key of options.allowCredentials || []) key.id = decode(key.id);
    for (const key of options.excludeCredentials || []) key.id = decode(key.id);
    if (trigger.create) {
      options.user.id = decode(options.user.id);
      const names = data.displayNameFieldNames || [data.displayNameFieldName];
      const named = names.map((name) => name && find(form, name)).find((field) => field && field.value);
      if (named) options.user.name = options.user.displayName = named.value;
      // Ory doesn't say which keys to exclude, and a device would get a second key for the same account.
      options.excludeCredentials = (options.excludeCredentials || []).concat(
        [...document.querySelectorAll("button[name='" + trigger.known + "']")].map(function (button) {
          return { type: "public-key", id: decodeHex(button.value) };
        }),
      );
    }
    return options;
  }

  function send(form, trigger, credential) {
    const response = {};
    for (const name of ANSWERS) if (name in credential.response) response[name] = encode(credential.response[name]);
    const answer = { id: credential.id, rawId: encode(credential.rawId), type: credential.type, response };
    find(form, trigger.to).value = JSON.stringify(answer);
    HTMLFormElement.prototype.submit.call(form); // without validation: the key replaces the password
  }

  // A new key is of no use if Ory then refuses the profile, or misses the name of the key.
  function isComplete(form) {
    const invalid = [...form.elements].find((field) => /^traits\.|_displayname$/.test(field.name) && !field.checkValidity());
    if (invalid) invalid.reportValidity();
    return !invalid;
  }

  function explain(error, trigger) {
    const kind = trigger.create ? "create" : "use";
    switch (error.name) {
      case "NotAllowedError":
        return textOf(kind + "Refused");
      case "InvalidStateError":
        return trigger.create ? textOf("createKnown") : textOf("useRefused");
      case "SecurityError":
        return textOf("wrongHost");
      case "NotSupportedError":
      case "ConstraintError":
        return textOf(kind + "Unsupported");
      default:
        return textOf("failed");
    }
  }

  // The texts for people are in the page, in its language.
  function textOf(name) {
    return document.querySelector("[data-ory-keys]").dataset[name];
  }

  function show(button, text) {
    let box = button.form.querySelector(".ory-key-message");
    if (!box) {
      box = document.createElement("p");
      box.className = "ory-message ory-message-error ory-key-message";
      box.setAttribute("role", "alert");
      button.before(box);
    }
    box.hidden = !text;
    box.textContent = text || "";
  }

  // A spinner and "Cancel" at the button; returns the function that removes them.
  function setBusy(button, abort) {
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
      running = null;
    };
  }

  async function press(button) {
    const name = button.dataset.oryClick;
    const trigger = TRIGGERS[name];
    if (!trigger || running) return;
    show(button, "");
    if (trigger.create && !isComplete(button.form)) return;
    const abort = new AbortController();
    running = setBusy(button, abort);
    try {
      await stopAutofill();
      const options = { publicKey: readOptions(button.form, trigger), signal: abort.signal };
      const credential = await navigator.credentials[trigger.create ? "create" : "get"](options);
      send(button.form, trigger, credential); // the button stays busy until the next page is there
    } catch (error) {
      running();
      if (!abort.signal.aborted) {
        console.debug("ory_auth: " + name, error);
        show(button, explain(error, trigger));
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
    if (!field || !PublicKeyCredential.isConditionalMediationAvailable) return;
    if (!document.querySelector("input[autocomplete~='webauthn']")) return;
    await stopAutofill();
    const abort = new AbortController();
    let end;
    autofill = { abort, ended: new Promise((resolve) => (end = resolve)) };
    try {
      if (!(await PublicKeyCredential.isConditionalMediationAvailable())) return;
      const trigger = TRIGGERS[field.dataset.oryLoad];
      const options = { publicKey: readOptions(field.form, trigger), mediation: "conditional", signal: abort.signal };
      send(field.form, trigger, await navigator.credentials.get(options));
    } catch (error) {
      if (!abort.signal.aborted) console.debug("ory_auth: passkey autofill", error);
    } finally {
      end();
    }
  }

  function isAvailable() {
    return window.PublicKeyCredential && navigator.credentials;
  }

  // Browsers offer keys only to pages that came over https, or from localhost.
  function explainMissing() {
    document.querySelectorAll("[data-ory-click]:not([hidden])").forEach(function (button, index) {
      button.hidden = true;
      if (index) return;
      const note = document.createElement("p");
      note.className = "ory-message";
      note.textContent = textOf(window.isSecureContext ? "noSupport" : "insecure");
      button.before(note);
    });
  }

  if (!scripts.passkeys) {
    scripts.passkeys = isAvailable() ? startAutofill : explainMissing;
    document.addEventListener("click", function (event) {
      const button = event.target.closest("[data-ory-click]");
      if (button) press(button);
    });
    window.addEventListener("pageshow", function (event) {
      if (event.persisted && running) running(); // the person came back from the next page
    });
  }
  scripts.passkeys();
})();
