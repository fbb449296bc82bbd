// {% ory_flow %}: puts a flow into a page of the project as soon as its place can be seen. It may run again.
(function () {
  "use strict";

  const watcher = new IntersectionObserver(function (entries) {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watcher.unobserve(entry.target);
      load(entry.target, {});
    }
  });

  // Any other response, such as a 503 in an outage, leaves what is there: the link to the page.
  async function load(place, parameters) {
    const url = new URL(place.dataset.oryEmbed, location.href);
    for (const [name, value] of Object.entries({ ...parameters, format: "fragment" })) url.searchParams.set(name, value);
    place.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(url);
      const parsed = new DOMParser().parseFromString(await response.text(), "text/html");
      const fragment = parsed.querySelector(".ory-fragment");
      if (!response.ok || !fragment) return false;
      show(place, fragment, parsed.querySelectorAll("script[src]"));
      return true;
    } catch {
      return false;
    } finally {
      place.removeAttribute("aria-busy");
    }
  }

  function show(place, fragment, scripts) {
    const hadFocus = place.contains(document.activeElement) || place.closest("dialog[open], :popover-open");
    place.replaceChildren(document.importNode(fragment, true));
    for (const parsed of scripts) {
      // A parsed script does not run; a new element does. These scripts may run again.
      const script = document.createElement("script");
      script.src = parsed.src;
      place.append(script);
    }
    const field = hadFocus && place.querySelector("[autofocus]");
    if (field) field.focus();
  }

  // Through the gateway, Ory has the origin of this site. Then the form is sent by this script, and the flow stays here.
  async function send(event) {
    const place = event.currentTarget, form = event.target, button = event.submitter;
    if (form.hasAttribute("data-ory-own") || new URL(form.action).origin !== location.origin) return;
    event.preventDefault();
    if (form.classList.contains("ory-busy")) return;
    const body = new URLSearchParams(new FormData(form, button));
    form.classList.add("ory-busy");
    if (button) button.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
      await follow(place, response, await response.json());
    } catch {
      location.assign(place.dataset.oryEmbed); // starts again on the page, which explains an outage
    }
  }

  async function follow(place, response, answer) {
    const verification = (answer.continue_with || []).find((next) => next.action === "show_verification_ui");
    if (answer.ui && (await load(place, { flow: answer.id }))) return;
    if (verification && place.dataset.oryVerification) {
      location.assign(place.dataset.oryVerification + "?flow=" + encodeURIComponent(verification.flow.id));
    } else if (response.ok) {
      goTo(place.dataset.oryNext);
    } else if (response.status === 422 && /^https?:/.test(answer.redirect_browser_to)) {
      const needsSecondFactor = new URL(answer.redirect_browser_to).searchParams.get("aal") === "aal2";
      if (!needsSecondFactor || !(await load(place, { aal: "aal2" }))) goTo(answer.redirect_browser_to);
    } else {
      location.assign(place.dataset.oryEmbed);
    }
  }

  function goTo(url) {
    const target = new URL(url, location.href);
    target.hash = location.hash;
    if (target.href === location.href) location.reload();
    else location.assign(url);
  }

  document.querySelectorAll("[data-ory-embed]").forEach(function (place) {
    if (place.hasAttribute("data-ory-watched")) return;
    place.setAttribute("data-ory-watched", "");
    place.addEventListener("submit", send);
    watcher.observe(place);
  });
})();
