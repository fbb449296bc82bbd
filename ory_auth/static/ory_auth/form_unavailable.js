// The buttons of the page that is shown if a form could not be sent on.
const actions = {
  // The browser sends the same form again, with the password. It may ask the person first.
  "[data-ory-try-again]": () => location.reload(),
  "[data-ory-go-back]": () => history.back(),
};
for (const [selector, action] of Object.entries(actions)) {
  for (const button of document.querySelectorAll(selector)) {
    button.hidden = false;
    button.addEventListener("click", action);
  }
}
