// Shows files of code. A line's number is a button that adds a comment on the line.

import { el } from "./build.js";

// `lines` are the comments, {file, line, text}, and are changed in place; without them there are none.
export function codeFiles(files, lines = null, changed = null) {
  return files.map((file, index) => {
    const about = file.about ?? [];
    const comments = (lines ?? []).filter((one) => one.file === index);
    const rows = file.lines.map((text, at) => row(file, index, at + 1, text, about.includes(at + 1), lines, changed));
    for (const one of comments) rows[one.line - 1]?.append(field(file, one, lines, changed));
    const open = Boolean(lines) && (files.length === 1 || about.length > 0 || comments.length > 0);
    return el("details", { open }, el("summary", {}, file.name, about.length ? el("span", { className: "soft" }, ` – the check names line ${about.join(", ")}`) : null),
      el("div", { className: "code", tabIndex: 0, role: "group", "aria-label": `Code of ${file.name}` }, rows));
  });
}

function row(file, index, number, text, isAbout, lines, changed) {
  const made = el("div", { className: isAbout ? "line about" : "line" });
  const name = lines
    ? el("button", { type: "button", "aria-label": `Comment on ${file.name}, line ${number}`, onclick: () => comment(made, file, { file: index, line: number, text: "" }, lines, changed) }, String(number))
    : el("span", { className: "number" }, String(number));
  made.append(name, el("code", {}, text || " "));
  return made;
}

function comment(row, file, fresh, lines, changed) {
  if (!row.querySelector("textarea")) {
    lines.push(fresh);
    row.append(field(file, fresh, lines, changed));
  }
  row.querySelector("textarea").focus();
}

function field(file, one, lines, changed) {
  return el("textarea", {
    value: one.text, rows: 2, maxLength: 4000, placeholder: "Shown to the student, with this line",
    "aria-label": `Comment on ${file.name}, line ${one.line}`,
    oninput: (event) => { one.text = event.target.value; changed(); },
    onblur: (event) => { if (!one.text.trim()) { lines.splice(lines.indexOf(one), 1); event.target.remove(); } },
  });
}

// The names of the first answers: "Answer 3, Answer 8 and 5 more".
export function named(answers, most = 4) {
  const first = answers.slice(0, most).map((one) => one.name).join(", ");
  return answers.length > most ? `${first} and ${answers.length - most} more` : first;
}
