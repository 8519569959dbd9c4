// Shows an answer beside the form for its mark. The server saves every change as a draft.

import { ask } from "./api.js";
import { codeFiles, named } from "./code.js";
import { el, mark, points, prompt, say, show, showFlagged, signed, state, warn } from "./build.js";
import { share } from "./share.js";

const PAUSE = 350;   // milliseconds without a change before a draft is saved
const RETRY = 3000;

let part = null;     // the criterion, with its answers in this marker's order
let card = null;     // the answer that is shown
let draft = null;    // the choices and texts for it
let dirty = false;   // changed since the draft was saved
let timer = 0;
let busy = false;
let raw = false;      // show the source of the answer
let modelOpen = false;   // show the model answer

const path = (more = "") => `answers/${part.id}/${card.key}${more}`;
const at = () => part.answers.findIndex((one) => one.key === card.key);
const place = (name) => document.getElementById(name);

export async function openPart(id, key) {
  await reloadPart(id);
  const first = part.answers.find((one) => one.state === "waiting") ?? part.answers[0];
  if (!first) {
    show(el("h1", { tabIndex: -1 }, part.title), el("p", {}, share() ? `${share()}: no answers to this part.` : "No student has answered this part."));
    return;
  }
  await openAnswer(key ?? first.key);
}

// Others may be marking the same part.
async function reloadPart(id = part.id) {
  setPart(await ask(`criteria/${id}`));
}

function setPart(found) {
  part = found;
  if (share()) part.answers = part.answers.filter((one) => one.shares.includes(share()));
  showFlagged(part.open);
}

export async function leave() {
  clearTimeout(timer);
  if (card && dirty) await saveDraft();
  card = null;
}

async function openAnswer(key) {
  if (card && dirty) await saveDraft();
  const found = await ask(`answers/${part.id}/${key}`);
  history.replaceState(null, "", `#/part/${part.id}/${key}`);
  setAnswer(found);
  document.querySelector("h1").focus();
  window.scrollTo(0, 0);
}

function setAnswer(found) {
  card = found;
  draft = { lines: [], alone: false, ...(found.draft ?? startingDraft(found)) };
  draft.options = draft.options.filter((one) => part.options.some((other) => same(one, other)));
  dirty = false;
  render();
  for (const box of document.querySelectorAll(".answer-code .code")) {
    const first = box.querySelector(".about");
    if (first) box.scrollTop = first.offsetTop - box.clientHeight / 3;
  }
}

const same = (one, other) => one.points === other.points && one.text === other.text;
const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

// The answer's present mark, or an empty draft.
function startingDraft(found) {
  const last = found.standing.length === 1 && found.standing[0].kind === "mark" ? found.standing[0] : null;
  const had = (one) => last?.items.some((item) => same(item, one));
  return {
    options: part.options.filter(had),
    comments: part.comments.filter(had).map((one) => one.number),
    points: last ? last.points : null, comment: last?.comment ?? "", note: "", lines: found.lines,
  };
}

function sum() {
  const chosen = [
    ...draft.options,
    ...part.comments.filter((one) => draft.comments.includes(one.number)),
  ].filter(Boolean);
  if (!chosen.length) return null;
  const all = chosen.reduce((total, one) => total + one.points, part.start);
  return Math.min(part.max, Math.max(0, all));
}

function render() {
  const index = at();
  const done = part.answers.filter((one) => one.state === "marked" || one.state === "disputed").length;
  const all = part.answers.filter((one) => one.state !== "by the check").length;
  show(
    el("div", { className: "where" },
      el("p", { className: "soft" }, el("a", { href: "#/" }, "Parts"), ` / ${part.part}: ${part.title}`, share() ? ` (${share()})` : null),
      el("p", { className: "steps" },
        el("button", { type: "button", onclick: () => step(-1), disabled: index < 1 }, "Previous ", el("kbd", {}, "k")),
        el("button", { type: "button", onclick: () => step(1), disabled: index >= part.answers.length - 1 }, "Next ", el("kbd", {}, "j")),
        el("progress", { max: all || 1, value: done, "aria-label": "Marked answers of this part" }), `${done} of ${all}`)),
    el("div", { className: "workspace" }, answer(), markForm()));
  showPoints();
}

function answer() {
  const named = card.student ? `${card.name}: ${card.student}` : card.name;
  return el("article", { className: "card", "aria-labelledby": "title" },
    el("header", {}, el("h1", { id: "title", tabIndex: -1 }, named),
      el("span", { className: "apart" }, state(card.state), card.html ? el("button", { type: "button", className: "plain", id: "show-source", "aria-pressed": String(raw), onclick: toggleSource }, "Show source") : null)),
    card.standing.length > 1 ? el("div", { className: "note" },
      el("h2", {}, "Conflicting marks"),
      el("ul", {}, card.standing.map((one) => el("li", {}, mark(one), " ",
        one.kind === "mark" && el("button", { type: "button", onclick: () => adopt(one) }, `Use ${points(one.points)} point${one.points === 1 ? "" : "s"}`)))),
      el("p", {}, "Two people marked this answer at the same time. Both marks are saved; your next mark decides.")) : null,
    card.disputes.length ? el("div", { className: "note" },
      el("h2", {}, "Flagged"),
      el("ul", {}, card.disputes.map((one) => el("li", {}, mark(one)))),
      el("p", {}, "A new mark with a note resolves this.")) : null,
    question(),
    modelAnswer(),
    answerText(),
    card.html ? null : el("p", { className: "text" }, card.reason),
    card.code.length ? el("div", { className: "answer-code" }, codeFiles(card.code, draft.lines, changed)) : null,
    card.pdf ? [
      el("iframe", { src: `${card.pdf}#navpanes=0&view=FitH`, title: `${card.name} as a PDF` }),
      el("p", { className: "small" }, el("a", { href: card.pdf, target: "_blank", rel: "noopener noreferrer" }, "Open the PDF in a new tab"),
        " or ", el("a", { href: card.pdf, download: `${card.name}.pdf` }, "download it"))] : null,
    card.files ? el("p", { className: "small" }, card.files) : null,
    card.pdf_missing ? el("p", {}, card.pdf_missing) : null,
    card.state === "by the check" ? el("p", {}, `The check gave ${points(card.by_check.points)}: ${card.by_check.status}.`) : null,
    card.seen.length + card.remarks.length ? el("dl", { className: "facts" },
      card.seen.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
      card.remarks.map((one) => [el("dt", {}, "suspicious code"), el("dd", {}, one)])) : null,
    card.history.length ? el("details", {}, el("summary", {}, `History (${card.history.length})`),
      el("ol", { className: "history" }, card.history.map((one) => el("li", {}, mark(one),
        one.here ? null : el("span", { className: "soft" }, " (on an earlier answer)"))))) : null);
}

function question() {
  if (!part.question) return card.asked ? el("p", { className: "soft" }, card.asked) : null;
  return el("details", { className: "aside", open: true }, el("summary", {}, "Question"), rendered(part.question));
}

function modelAnswer() {
  const { html, files } = part.model;
  if (!html && !files.length) return null;
  return el("details", { className: "aside", id: "model", open: modelOpen, ontoggle: (event) => { modelOpen = event.target.open; } },
    el("summary", {}, html ? "Model answer " : "Reference solution ", el("kbd", {}, "m")),
    html ? rendered(html) : codeFiles(files));
}

function rendered(html) {
  const box = el("div", { className: "answer" });
  box.innerHTML = html;   // from grader/marking/rendering.py, which lets no tag of the text through
  return box;
}

function answerText() {
  if (!card.html) return null;
  if (raw) return el("pre", { className: "answer raw" }, card.raw);
  return rendered(card.html);
}

function markForm() {
  const choices = part.options.map((one, index) => el("div", { className: "reused" },
    choice(one, index, draft.options.some((other) => same(one, other)), () => toggleOption(one)),
    el("button", { type: "button", className: "plain small", "aria-label": `Change the option: ${one.text}`, onclick: () => changeOption(one) }, "Change")));
  const reused = part.comments.map((one, index) => el("div", { className: "reused" },
    choice(one, part.options.length + index, draft.comments.includes(one.number), () => toggleComment(one.number)),
    el("button", { type: "button", className: "plain small", "aria-label": `Change: ${one.text}`, onclick: () => change(one) }, "Change")));
  const needsNote = card.disputes.length || card.standing.length > 1;
  return el("form", { className: "mark-form", "aria-label": "Your mark", onsubmit: (event) => { event.preventDefault(); save(); } },
    el("fieldset", {}, el("legend", {}, "Options"), choices,
      el("button", { type: "button", className: "plain small", onclick: () => changeOption(null) }, "Add an option")),
    el("div", { className: "points-row" },
      el("label", { htmlFor: "points", className: "state" }, "Points"),
      el("input", { id: "points", type: "number", min: 0, max: part.max, step: 0.25, inputMode: "decimal", oninput: typedPoints }),
      el("span", { className: "of" }, `of ${points(part.max)}`)),
    el("div", { className: "field" },
      el("label", { htmlFor: "comment" }, "Comment ", el("kbd", {}, "c")),
      el("textarea", { id: "comment", value: draft.comment, maxLength: 4000, placeholder: "Shown to the student", oninput: (event) => { draft.comment = event.target.value; changed(); } })),
    needsNote ? el("div", { className: "field" },
      el("label", { htmlFor: "note" }, card.disputes.length ? "How the flag was resolved" : "Note for other markers"),
      el("input", { id: "note", type: "text", value: draft.note, maxLength: 4000, oninput: (event) => { draft.note = event.target.value; changed(); } })) : null,
    el("fieldset", {}, el("legend", {}, "Saved comments"), reused,
      el("div", { className: "again" },
        el("input", { id: "again-points", type: "number", step: 0.25, value: "0", "aria-label": "Points of a new comment" }),
        el("input", { id: "again-text", type: "text", maxLength: 4000, placeholder: "New comment", "aria-label": "Text of a new comment" }),
        el("button", { type: "button", onclick: () => saveComment(place("again-text").value, Number(place("again-points").value)) }, "Add"))),
    card.identical.length ? el("label", { className: "choice together" },
      el("input", { type: "checkbox", id: "together", checked: !draft.alone, onchange: (event) => { draft.alone = !event.target.checked; changed(); } }),
      el("span", { className: "words" }, `Also mark ${count(card.identical.length, "identical answer")}`,
        el("span", { className: "soft small" }, ` (${named(card.identical)})`))) : null,
    el("div", { className: "actions" },
      el("button", { className: "main" }, "Save and next ", el("kbd", { "aria-hidden": "true" }, "↵")),
      el("button", { type: "button", onclick: flag }, "Flag ", el("kbd", {}, "d")),
      el("button", { type: "button", onclick: undo }, "Undo ", el("kbd", {}, "u"))),
    el("p", { className: "small soft", id: "kept" }, card.draft ? "Your saved draft." : "Drafts are saved automatically."));
}

function choice(one, index, checked, onchange) {
  return el("label", { className: "choice" },
    el("input", { type: "checkbox", checked, onchange, "data-digit": String(index + 1) }),
    el("span", { className: "points" }, signed(one.points)), el("span", { className: "words" }, one.text),
    index < 9 ? el("kbd", { "aria-hidden": "true" }, String(index + 1)) : null);
}

function showPoints() {
  place("points").value = draft.points ?? "";
}

function toggleOption(which) {
  const rest = draft.options.filter((one) => !same(one, which));
  draft.options = rest.length < draft.options.length ? rest : [...rest, which];
  chosen();
}

function toggleComment(which) {
  const rest = draft.comments.filter((one) => one !== which);
  draft.comments = rest.length < draft.comments.length ? rest : [...rest, which];
  chosen();
}

function chosen() {
  draft.points = sum();
  showPoints();
  changed();
}

function typedPoints(event) {
  draft.points = event.target.value === "" ? null : Number(event.target.value);
  changed();
}

function give(value) {
  draft.points = Math.min(part.max, Math.max(0, value));
  showPoints();
  changed();
  say(`${points(draft.points)} of ${points(part.max)} points`);
}

function adopt(one) {
  draft.points = one.points;
  draft.comment = [...one.items.map((item) => `${item.text} (${signed(item.points)})`), one.comment].filter(Boolean).join("\n");
  draft.options = [];
  draft.comments = [];
  render();
  changed();
}

function changed() {
  dirty = true;
  clearTimeout(timer);
  timer = setTimeout(saveDraft, PAUSE);
}

async function saveDraft() {
  clearTimeout(timer);
  const sent = JSON.stringify(draft);
  try {
    await ask(path("/draft"), "PUT", draft);
    if (JSON.stringify(draft) === sent) dirty = false;
    warn("");
    if (place("kept")) place("kept").textContent = "Draft saved.";
  } catch (error) {
    warn(`Your draft is not saved. ${error.message}`);
    timer = setTimeout(() => card && dirty && saveDraft(), RETRY);
  }
}

async function act(action) {
  if (busy) return;
  busy = true;
  clearTimeout(timer);
  try {
    await action();
  } catch (error) {
    warn(error.message);
  } finally {
    busy = false;
  }
}

const onAnswer = (more) => ({ answer: card.answer, seen: card.version, ...more });

const save = () => act(async () => {
  if (draft.points === null || Number.isNaN(draft.points)) {
    warn("Points are missing: choose an option or enter points.");
    return;
  }
  const { alone, ...given } = draft;
  const also = alone ? [] : card.identical.map(({ name, ...one }) => one);
  const lines = draft.lines.filter((one) => one.text.trim());
  const found = await ask(path("/mark"), "POST", onAnswer({ ...given, lines, also }));
  dirty = false;
  saved = { part: part.id, key: card.key };
  warn("");
  const others = also.length ? ` and ${count(also.length, "identical answer")}` : "";
  const told = `${card.name}${others}: ${points(draft.points)} of ${points(part.max)} points`;
  say(told);
  await reloadPart();
  if (found.state === "conflict") {
    setAnswer(found);
    warn("Somebody else marked this answer while you had it open. Both marks are saved: decide which one counts.");
    return;
  }
  const next = following((one) => one.state === "waiting");
  if (next) {
    await openAnswer(next.key);
    if (others) place("kept").textContent = `Saved: ${told}.`;
  } else {
    setAnswer(found);
    say("All answers of this part are marked.");
    place("kept").textContent = "Saved. All answers of this part are marked.";
  }
});

const undo = () => act(async () => {
  const mine = card.standing.at(-1) ?? null;
  if (!mine && lastSaved()) await openAnswer(lastSaved());
  setAnswer(await ask(path("/undo"), "POST", onAnswer({})));
  await reloadPart();
  render();
  say(`${card.name}: your last mark was undone`);
});

// Undo on an answer without a mark goes back to the answer saved last.
let saved = null;
const lastSaved = () => (saved && saved.part === part.id && part.answers.some((one) => one.key === saved.key) ? saved.key : null);

const flag = () => act(async () => {
  const [note] = (await prompt("Flag this answer", [["What to discuss", "", "text"]])) ?? [];
  if (!note) return;
  setAnswer(await ask(path("/dispute"), "POST", onAnswer({ note })));
  await reloadPart();
  render();
  say(`${card.name} is flagged`);
});

const saveComment = (text, worth, replaces = 0) => act(async () => {
  if (!text.trim() && !replaces) return;
  const before = new Set(part.comments.map((one) => one.number));
  setPart(await ask(`criteria/${part.id}/comments`, "POST", { text, points: worth, replaces }));
  const fresh = part.comments.find((one) => !before.has(one.number));
  draft.comments = draft.comments.filter((number) => part.comments.some((one) => one.number === number));
  if (fresh && !draft.comments.includes(fresh.number)) draft.comments.push(fresh.number);
  if (draft.comment.trim() === text.trim()) draft.comment = "";
  draft.points = sum() ?? draft.points;
  render();
  changed();
});

async function change(one) {
  const found = await prompt("Change the saved comment", [
    ["Text (empty removes it; marks given so far do not change)", one.text, "text"], ["Points", String(one.points), "number"],
  ]);
  if (found) saveComment(found[0], Number(found[1]), one.number);
}

const changeOption = (one) => act(async () => {
  const found = await prompt(one ? "Change the option" : "New option", [
    [one ? "Text (empty removes it; marks given so far do not change)" : "Text", one?.text ?? "", "text"],
    ["Points", String(one?.points ?? 0), "number"],
  ]);
  if (!found || (!one && !found[0].trim())) return;
  const now = found[0].trim() ? { text: found[0].trim(), points: Number(found[1]) } : null;
  setPart(await ask(`criteria/${part.id}/options`, "POST", { was: one, now }));
  const had = draft.options.some((other) => one && same(one, other));
  draft.options = draft.options.filter((other) => part.options.some((option) => same(other, option)));
  if (now && (had || !one)) draft.options.push(now);
  if (had || !one) draft.points = sum() ?? draft.points;
  render();
  changed();
});

function toggleSource() {
  raw = !raw;
  render();
  place("show-source").focus();
}

function following(wanted) {
  const from = at();
  return [...part.answers.slice(from + 1), ...part.answers.slice(0, from)].find(wanted);
}

const step = (by) => act(async () => {
  const next = part.answers[at() + by];
  if (next) await openAnswer(next.key);
});

function digit(key) {
  const box = document.querySelector(`[data-digit="${key}"]`);
  box?.click();
  return Boolean(box);
}

const actions = {
  j: () => step(1), ArrowDown: () => step(1), ArrowRight: () => step(1),
  k: () => step(-1), ArrowUp: () => step(-1), ArrowLeft: () => step(-1),
  n: () => act(async () => { const next = following((one) => one.state === "waiting"); if (next) await openAnswer(next.key); }),
  f: () => give(part.max), 0: () => give(0),
  "+": () => give((draft.points ?? 0) + 0.25), "-": () => give((draft.points ?? 0) - 0.25),
  c: () => place("comment").focus(), u: undo, d: flag, t: () => card.html && toggleSource(),
  m: () => { const model = place("model"); if (model) model.open = !model.open; },
  l: () => (document.querySelector(".answer-code .about button") ?? document.querySelector(".answer-code .line button"))?.focus(),
  r: () => (draft.comment.trim() ? saveComment(draft.comment, 0) : place("again-text").focus()),
};

// Carries out a shortcut. Returns whether the key is one.
export function press(event, typing) {
  if (!card) return false;
  if (typing && event.key === "Escape") {
    document.querySelector("h1").focus();
    return true;
  }
  if (event.key === "Enter" && !event.shiftKey && !event.target.closest("button, a, summary")) {
    if (event.target.id?.startsWith("again-")) saveComment(place("again-text").value, Number(place("again-points").value));
    else save();
    return true;
  }
  if (typing || (event.key.startsWith("Arrow") && event.target.closest("summary, .raw, .code"))) return false;
  if (/^[1-9]$/.test(event.key)) return digit(event.key);
  if (!(event.key in actions)) return false;
  actions[event.key]();
  return true;
}

window.addEventListener("pagehide", () => {
  if (card && dirty) ask(path("/draft"), "PUT", draft, true).catch(() => {});
});
window.addEventListener("beforeunload", (event) => {
  if (card && dirty && !document.getElementById("alert").hidden) event.preventDefault();
});
