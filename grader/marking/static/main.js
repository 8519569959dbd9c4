// The pages: all parts, one part's answers, what is to be talked about.

import { ask, takeToken } from "./api.js";
import { el, mark, points, say, show, state, stateWords, toTalkAbout, warn } from "./build.js";
import { leave, openPart, press } from "./marking.js";

const keys = document.getElementById("keys");
const single = document.getElementById("single-keys");
let route = 0;   // only the last page that was asked for is shown

async function parts() {
  const told = await ask("class");
  about(told);
  const byHand = told.criteria.filter((one) => one.by_hand);
  const others = told.criteria.filter((one) => !one.by_hand);
  const left = byHand.reduce((sum, one) => sum + (one.counts.waiting ?? 0), 0);
  return [
    el("h1", { tabIndex: -1 }, left ? `${left} answers wait` : "No answer waits"),
    el("p", { className: "lead soft" },
      `You mark as ${told.marker}. ` +
      (told.names ? "Names are shown." : "Whose answers these are is not shown.")),
    byHand.length ? table(byHand) : null,
    el("p", { className: "actions" },
      el("button", { type: "button", onclick: renew }, "Write marks into grades and feedback"),
      el("span", { className: "soft small", id: "renewed" }, "This is also done when `grader mark` ends.")),
    others.length ? el("details", { className: "gap" },
      el("summary", {}, "Parts that the checks have graded"),
      el("p", { className: "soft" }, "A mark here takes the place of what the check has said, and needs a comment."),
      table(others)) : null,
  ];
}

function table(criteria) {
  return el("table", {},
    el("thead", {}, el("tr", {},
      el("th", { scope: "col" }, "Part"), el("th", { scope: "col" }, "What is asked"),
      el("th", { scope: "col" }, "Progress"), el("th", { scope: "col", className: "number hide-narrow" }, "Points"))),
    el("tbody", {}, criteria.map(row)));
}

function row(one) {
  const waits = one.counts.waiting ?? 0;
  const open = ["conflict", "disputed"].filter((name) => one.counts[name]);
  const done = one.by_hand - waits;
  const progress = one.by_hand
    ? [el("progress", { max: one.by_hand, value: done, "aria-label": `${one.part}: ${done} of ${one.by_hand} marked` }),
      ` ${done} of ${one.by_hand}`,
      open.map((name) => el("div", { className: "small state disputed" }, `${one.counts[name]}: ${stateWords[name]}`))]
    : "by the check";
  return el("tr", {},
    el("th", { scope: "row" }, el("a", { href: `#/part/${one.id}` }, one.part)),
    el("td", {}, one.title), el("td", {}, progress), el("td", { className: "number hide-narrow" }, points(one.max)));
}

async function renew(event) {
  event.target.disabled = true;
  const place = document.getElementById("renewed");
  place.textContent = "Writing.";
  try {
    place.textContent = (await ask("renew", "POST", {})).said;
    say(place.textContent);
  } catch (error) {
    warn(error.message);
  }
  event.target.disabled = false;
}

async function open() {
  const told = await ask("class");
  about(told);
  return [
    el("h1", { tabIndex: -1 }, "To talk about"),
    el("p", { className: "lead soft" },
      told.open.length ? "Each is settled by a new mark." : "Nothing: no answer is flagged, and no two marks contradict each other."),
    el("ul", { className: "open" }, told.open.map((one) => el("li", { className: "card" },
      el("h2", {}, el("a", { href: `#/part/${one.criterion}/${one.key}` }, `${one.part}, ${one.name}`), " ", state(one.state)),
      el("ul", { className: "history" }, [...one.marks, ...one.disputes].map((other) => el("li", {}, mark(other))))))),
  ];
}

function about(told) {
  document.getElementById("homework").textContent = told.title;
  document.title = `Marking – ${told.title}`;
  toTalkAbout(told.open.length);
}

async function go() {
  const mine = ++route;
  await leave();
  warn("");
  const [, page, id, key] = location.hash.slice(1).split("/");
  for (const [link, name] of [["to-parts", ""], ["to-open", "open"]]) {
    const here = (page ?? "") === name;
    if (here) document.getElementById(link).setAttribute("aria-current", "page");
    else document.getElementById(link).removeAttribute("aria-current");
  }
  try {
    if (page === "part" && id) {
      about(await ask("class"));
      if (mine === route) await openPart(id, key);
      return;
    }
    const found = await (page === "open" ? open() : parts());
    if (mine !== route) return;
    show(found);
    document.querySelector("h1").focus();
  } catch (error) {
    if (mine !== route) return;
    show(el("h1", { tabIndex: -1 }, "Nothing to see yet"));
    warn(error.message);
  }
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key.length === 1 && !single.checked) return;
  const typing = event.target.closest("input:not([type=checkbox]), textarea");
  if (event.key === "?" && !typing) {
    keys.showModal();
    event.preventDefault();
  } else if (press(event, typing)) {
    event.preventDefault();
  }
});
single.checked = localStorage.getItem("grader-mark-single-keys") !== "no";
single.addEventListener("change", () => localStorage.setItem("grader-mark-single-keys", single.checked ? "yes" : "no"));
document.getElementById("to-keys").addEventListener("click", () => keys.showModal());
window.addEventListener("hashchange", () => { takeToken(); go(); });
takeToken();
go();
