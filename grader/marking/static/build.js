// Builds elements from plain data. Text is never read as HTML here.

export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made && name !== "list") made[name] = value;
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const show = (...children) => document.getElementById("main").replaceChildren(...children.flat(Infinity).filter(Boolean));

export const points = (value) => (value === null || value === undefined ? "–" : String(Math.round(value * 100) / 100));

export const signed = (value) => (value > 0 ? "+" : value < 0 ? "\u2212" : "") + points(Math.abs(value));

export const when = (time) => new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });

const stateWords = {
  waiting: "to mark", marked: "marked", conflict: "conflicting marks", disputed: "flagged",
  "by the check": "graded by the check",
};

export const state = (name) => el("span", { className: `state ${name.split(" ")[0]}` }, stateWords[name]);

export function showFlagged(number) {
  document.getElementById("to-flagged").textContent = number ? `Flagged (${number})` : "Flagged";
}

// Announced by screen readers; `warn` is also shown.
export const say = (text) => { document.getElementById("announcement").textContent = text; };

export function warn(text) {
  const place = document.getElementById("alert");
  place.hidden = !text;
  if (place.textContent !== text) place.textContent = text;
}

// Opens a dialog with a field for each [name, value, type]; resolves to their values, or to null if cancelled.
export function prompt(title, fields) {
  const inputs = fields.map(([, value, type]) => el("input", { type, value, step: 0.25, maxLength: 4000 }));
  const dialog = el("dialog", { "aria-label": title },
    el("form", { method: "dialog" },
      el("h2", {}, title),
      fields.map(([name], index) => el("p", {}, el("label", {}, name, " ", inputs[index]))),
      el("div", { className: "actions" },
        el("button", { className: "main", value: "yes" }, "Save"),
        el("button", { type: "button", onclick: () => dialog.close() }, "Cancel"))));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => {
    dialog.remove();
    resolve(dialog.returnValue === "yes" ? inputs.map((one) => one.value) : null);
  }));
}

export function mark(one) {
  const what = {
    mark: `${points(one.points)} point${one.points === 1 ? "" : "s"}`, dispute: "flagged it", withdrawal: "withdrew the mark",
  }[one.kind];
  return [
    el("strong", {}, one.marker), ` ${what}, `, el("time", { dateTime: one.at }, when(one.at)),
    one.items.map((item) => el("div", { className: "text" }, `${signed(item.points)} ${item.text}`)),
    one.lines.map((line) => el("div", { className: "text" }, line)),
    one.comment && el("div", { className: "text" }, one.comment),
    one.note && el("div", { className: "text soft" }, `Note: ${one.note}`),
  ];
}
