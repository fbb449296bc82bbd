// Settings and registration: codes to keep, times, the index, questions. Everything works without this script. It may run again.
(function () {
  "use strict";

  const scripts = (window.oryAuth = window.oryAuth || {});
  const known = new WeakSet();

  function eachNew(selector, callback) {
    document.querySelectorAll(selector).forEach(function (element) {
      if (known.has(element)) return;
      known.add(element);
      callback(element);
    });
  }

  function sourceOf(tools) {
    return document.getElementById(tools.dataset.oryTools);
  }

  function textOf(tools) {
    const items = sourceOf(tools).querySelectorAll("li code");
    return items.length ? [...items].map((item) => item.textContent).join("\n") : sourceOf(tools).textContent;
  }

  async function copy(tools) {
    try {
      await navigator.clipboard.writeText(textOf(tools));
      return true;
    } catch {
      getSelection().selectAllChildren(sourceOf(tools));
      return document.execCommand("copy"); // over plain http, browsers have no navigator.clipboard
    }
  }

  function download(tools) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([textOf(tools) + "\n"], { type: "text/plain" }));
    link.download = tools.dataset.oryFile;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // Copies, downloads or prints backup codes; copies a secret.
  function addTools(tools) {
    const status = tools.querySelector("[role=status]");
    tools.hidden = false;
    tools.addEventListener("click", async function (event) {
      const action = event.target.closest("button") ? event.target.closest("button").dataset.ory : "";
      status.textContent = "";
      if (action === "download") download(tools);
      if (action === "print") window.print();
      if (action === "copy" && (await copy(tools))) status.textContent = tools.dataset.oryCopied;
    });
  }

  // A widget for a time in the browser's zone. Ory gets the text, which changes only if the person changes the time.
  function addWidget(text) {
    const time = new Date(text.value);
    if (text.disabled || (text.value && isNaN(time))) return;
    const widget = document.createElement("input");
    widget.type = "datetime-local";
    if (text.value) {
      widget.step = time.getSeconds() ? 1 : 60;
      widget.value = new Date(time - time.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
    }
    for (const name of ["id", "required", "aria-invalid", "aria-describedby"]) {
      if (text.hasAttribute(name)) widget.setAttribute(name, text.getAttribute(name));
    }
    widget.addEventListener("input", function () {
      text.value = widget.value ? new Date(widget.value).toISOString().replace(".000Z", "Z") : "";
    });
    const hint = document.getElementById(text.id + "-hint"); // about the text
    if (hint) hint.hidden = true;
    text.removeAttribute("id");
    text.type = "hidden";
    text.after(widget);
  }

  // After "Save", the page shows the section that was saved, with Ory's answer.
  function showSaved(messages) {
    const saved = document.getElementById(sessionStorage.getItem("ory-section"));
    sessionStorage.removeItem("ory-section");
    if (!saved) return;
    saved.querySelector("h2").after(messages);
    if (!document.querySelector("[autofocus]")) saved.scrollIntoView();
  }

  function markCurrent(index) {
    const links = new Map([...index.querySelectorAll("a[href^='#']")].map((link) => [link.hash.slice(1), link]));
    const observer = new IntersectionObserver(
      function (entries) {
        for (const entry of entries) {
          if (!entry.isIntersecting) continue;
          links.forEach((link, id) => link.toggleAttribute("aria-current", id === entry.target.id));
        }
      },
      { rootMargin: "-10% 0px -75%" },
    );
    for (const id of links.keys()) observer.observe(document.getElementById(id));
  }

  // One question at a time.
  function closeOthers(event) {
    const opened = event.target;
    if (!opened.open || !opened.matches(".ory-confirm")) return;
    document.querySelectorAll(".ory-confirm[open]").forEach((details) => (details.open = details === opened));
  }

  function closeOnEscape(event) {
    const details = event.key === "Escape" && event.target.closest(".ory-confirm[open]");
    if (!details) return;
    details.open = false;
    details.querySelector("summary").focus();
  }

  if (!scripts.settings) {
    document.addEventListener("toggle", closeOthers, true);
    document.addEventListener("keydown", closeOnEscape);
    document.addEventListener("formdata", function (event) {
      const section = event.target.closest("section[id]");
      if (section) sessionStorage.setItem("ory-section", section.id);
    });
  }
  scripts.settings = scripts.settings || function () {
    eachNew("[data-ory-tools]", addTools);
    eachNew("[data-ory-datetime]", addWidget);
    eachNew("[data-ory-messages]", showSaved);
    eachNew(".ory-index", markCurrent);
  };
  scripts.settings();
})();
