// pages/static/app/view.js
// Shows a flow. Each form of Ory is a form of HTML, so that password managers, validation and passkeys work.
export function showFlow(place, flow, onSubmit) {
  const sections = flow.sections.map((section) => showSection(section, onSubmit));
  place.replaceChildren(...flow.messages.map(message), ...sections);
  document.getElementById(flow.focus)?.focus();
  if (flow.needs_keys) window.oryAuth.passkeys(); // of ory_auth/passkeys.js
}

function showSection(section, onSubmit) {
  const forms = section.forms.map((form) => {
    const parts = form.parts.flatMap((part) => [...part.nodes.map(showNode), ...part.buttons.map(button)]);
    const rows = form.credentials.map((row) => element("p", {}, `${row.name} `, row.button && button(row.button)));
    const properties = { method: "post", action: form.action, className: "ory-form" };
    const made = element("form", properties, ...form.hidden.map(hidden), ...parts, ...rows);
    if (form.goes_to_site) made.dataset.goesToSite = "true";
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      onSubmit(made, event.submitter);
    });
    return made;
  });
  return element("section", { className: "ory-section" }, ...section.nodes.map(showNode), ...forms);
}

const NODES = {
  field: (node) => labelled(node, element(node.is_multiline ? "textarea" : "input", attributes(node))),
  datetime: (node) => labelled(node, element("input", attributes(node))),
  select: (node) => labelled(node, element("select", attributes(node), ...node.options.map(option))),
  checkbox(node) {
    const box = element("input", { ...attributes(node), checked: node.checked });
    return element("div", {}, hidden({ name: node.name, value: node.unchecked }), labelled(node, box));
  },
  text: (node) => element("p", {}, node.label, " ", element("code", {}, node.text)),
  codes: (node) => element("ul", {}, ...node.codes.map((code) => element("li", {}, code.used ? "used" : code.text))),
  image: (node) => element("img", { src: node.src, alt: node.label }),
  link: (node) => element("a", { href: node.href }, node.label),
};

function showNode(node) {
  const show = NODES[node.kind];
  return element("div", { className: "ory-field" }, show(node), ...node.messages.map(message));
}

function labelled(node, control) {
  return element("label", {}, node.label, " ", control);
}

function attributes(node) {
  const { id, name, value, required, disabled, autocomplete } = node;
  const properties = { id, name, value, required, disabled, autocomplete };
  if (node.kind !== "select" && !node.is_multiline) properties.type = node.type;
  if (node.pattern) properties.pattern = node.pattern;
  if (node.maxlength) properties.maxLength = node.maxlength;
  if (node.inputmode) properties.inputMode = node.inputmode;
  return properties;
}

function option({ value, label, selected }) {
  return element("option", { value, selected }, label);
}

function hidden({ name, value, onload }) {
  const input = element("input", { type: "hidden", name, value });
  if (onload) input.dataset.oryLoad = onload;
  return input;
}

function button(node) {
  const { name, value, type, disabled, skip_validation: formNoValidate } = node;
  const properties = { name, value, type, disabled, formNoValidate, className: "ory-button" };
  const made = element("button", properties, node.label);
  if (node.primary) made.classList.add("ory-button-primary");
  if (node.trigger) made.dataset.oryClick = node.trigger;
  return made;
}

function message({ kind, text }) {
  const role = kind === "error" ? "alert" : "status";
  return element("p", { className: `ory-message ory-message-${kind}`, role }, text);
}

// Ory's values are text, never HTML.
export function element(name, properties, ...children) {
  const made = document.createElement(name);
  Object.assign(made, properties);
  made.append(...children.filter(Boolean));
  return made;
}
