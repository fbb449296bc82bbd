// Loads what Ory says about a person into the admin, when the panel is opened. Without this script, a link does it.
(function () {
  "use strict";

  async function load(panel) {
    const content = panel.querySelector(".ory-panel-content");
    const link = content.querySelector("a");
    panel.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(panel.dataset.oryUrl, { headers: { Accept: "text/html" } });
      // A redirect leads to the sign-in page, and any other status to an error page.
      if (!response.ok || response.redirected) throw new Error(response.status);
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      content.replaceChildren(...page.body.childNodes);
    } catch {
      const line = document.createElement("p");
      line.append(panel.dataset.oryError + " ", link);
      content.replaceChildren(line);
      panel.dataset.oryAgain = "";
    } finally {
      panel.removeAttribute("aria-busy");
    }
  }

  document.addEventListener(
    "toggle",
    function (event) {
      const panel = event.target;
      if (!panel.matches || !panel.matches("details[data-ory-url]") || !panel.open) return;
      if ("oryLoaded" in panel.dataset && !("oryAgain" in panel.dataset)) return;
      panel.dataset.oryLoaded = "";
      delete panel.dataset.oryAgain;
      load(panel);
    },
    true, // the event does not bubble
  );
})();
