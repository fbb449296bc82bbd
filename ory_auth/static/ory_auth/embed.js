// {% ory_flow %}: puts a flow into a page of the project as soon as its place can be seen.
(function () {
  "use strict";

  const watcher = new IntersectionObserver(function (entries) {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watcher.unobserve(entry.target);
      load(entry.target, entry.target.dataset.oryEmbed);
    }
  });

  // Any other response, such as a 503 in an outage, leaves the link to the page.
  async function load(place, url) {
    place.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(url + (url.includes("?") ? "&" : "?") + "format=fragment");
      const parsed = new DOMParser().parseFromString(await response.text(), "text/html");
      const fragment = response.ok && parsed.querySelector(".ory-fragment");
      if (fragment) show(place, fragment, parsed.querySelectorAll("script[src]"));
    } finally {
      place.removeAttribute("aria-busy");
    }
  }

  function show(place, fragment, scripts) {
    place.replaceChildren(document.importNode(fragment, true));
    for (const parsed of scripts) {
      // A parsed script does not run; a new element does. These scripts may run again.
      const script = document.createElement("script");
      script.src = parsed.src;
      place.append(script);
    }
    const first = place.querySelector("[autofocus]");
    if (first && place.closest("dialog[open], :popover-open")) first.focus();
  }

  document.querySelectorAll("[data-ory-embed]").forEach(function (place) {
    if (place.hasAttribute("data-ory-watched")) return;
    place.setAttribute("data-ory-watched", "");
    watcher.observe(place);
  });
})();
