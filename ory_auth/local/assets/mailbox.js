// Copies codes, and shows new messages without a reload.
"use strict";

const main = document.querySelector("main");

function showCopyButtons() {
  if (!navigator.clipboard) return; // only available on https and localhost
  for (const button of main.querySelectorAll("[data-copy]")) button.hidden = false;
}

main.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "Copied";
});

async function refresh() {
  if (document.hidden) return;
  const response = await fetch(location.href).catch(() => null);
  if (!response?.ok) return; // the local Ory has stopped
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const ids = (root) => Array.from(root.querySelectorAll("article"), (article) => article.id).join();
  if (ids(page) === ids(document)) return;
  main.replaceChildren(...page.querySelector("main").childNodes);
  showCopyButtons();
}

showCopyButtons();
setInterval(refresh, 2000);
