// The pages: all parts, the answers to one part, the flagged answers.

import { ask, chooseName, takeToken } from "./api.js";
import { el, mark, points, prompt, say, show, showFlagged, state, warn } from "./build.js";
import { leave, openPart, press } from "./marking.js";
import { chooseShare, share } from "./share.js";

const keys = document.getElementById("keys");
const single = document.getElementById("single-keys");
let route = 0;   // counts requests for a page; only the latest is shown

async function parts() {
  const data = await ask("class");
  describe(data);
  if (!data.shares.includes(share())) chooseShare("");
  const criteria = data.criteria.map((one) => ({ ...one, ...(share() ? one.shares[share()] : {}) }));
  const byHand = criteria.filter((one) => one.by_hand);
  const others = criteria.filter((one) => !one.by_hand);
  const left = byHand.reduce((sum, one) => sum + (one.counts.waiting ?? 0), 0);
  return [
    el("h1", { tabIndex: -1 }, left ? `${left} answer${left === 1 ? "" : "s"} to mark` : "All answers are marked"),
    el("p", { className: "lead soft" },
      `You mark as ${data.marker} `, el("button", { type: "button", className: "plain small", onclick: () => rename(data.marker) }, "Change name"),
      ` Students' names are ${data.names ? "shown" : "hidden"}.`),
    data.shares.length ? el("p", {}, el("label", {}, "Show ",
      el("select", { id: "share", onchange: (event) => { chooseShare(event.target.value); go(); } },
        ["", ...data.shares].map((name) => el("option", { value: name, selected: name === share() }, name || "the whole class"))))) : null,
    byHand.length ? table(byHand) : null,
    data.shares.length ? el("details", { className: "gap" },
      el("summary", {}, "Progress by section and grader"),
      el("table", {}, el("tbody", {}, data.shares.map((name) => shareRow(name, data.criteria))))) : null,
    el("p", { className: "actions" },
      el("button", { type: "button", onclick: refresh }, "Update grades and feedback"),
      el("span", { className: "soft small", id: "refreshed" }, "This also happens when ", el("code", {}, "grader mark"), " ends.")),
    others.length ? el("details", { className: "gap" },
      el("summary", {}, "Parts graded by checks"),
      el("p", { className: "soft" }, "A mark here replaces the result of the check. It needs a comment."),
      table(others)) : null,
  ];
}

async function rename(name) {
  const found = await prompt("Your name", [["Name, for other markers and the history", name, "text"]]);
  if (!found) return;
  chooseName(found[0].trim().slice(0, 60));
  go();
}

function table(criteria) {
  return el("table", {},
    el("thead", {}, el("tr", {},
      el("th", { scope: "col" }, "Part"), el("th", { scope: "col" }, "Question"),
      el("th", { scope: "col" }, "Progress"), el("th", { scope: "col", className: "number hide-narrow" }, "Points"))),
    el("tbody", {}, criteria.map(row)));
}

const marked = (one) => one.by_hand - (one.counts.waiting ?? 0) - (one.counts.conflict ?? 0);

function bar(label, done, all) {
  return [el("progress", { max: all || 1, value: done, "aria-label": `${label}: ${done} of ${all} marked` }), ` ${done} of ${all}`];
}

function shareRow(name, criteria) {
  const own = criteria.map((one) => one.shares[name]);
  const total = (number) => own.reduce((sum, one) => sum + number(one), 0);
  return el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, bar(name, total(marked), total((one) => one.by_hand))));
}

function row(one) {
  const unresolved = [["conflict", "with conflicting marks"], ["disputed", "flagged"]].filter(([name]) => one.counts[name]);
  const progress = one.by_hand
    ? [bar(one.part, marked(one), one.by_hand),
      unresolved.map(([name, words]) => el("div", { className: "small state disputed" }, `${one.counts[name]} ${words}`))]
    : "graded by a check";
  return el("tr", {},
    el("th", { scope: "row" }, el("a", { href: `#/part/${one.id}` }, one.part)),
    el("td", {}, one.title), el("td", {}, progress), el("td", { className: "number hide-narrow" }, points(one.max)));
}

async function refresh(event) {
  event.target.disabled = true;
  const place = document.getElementById("refreshed");
  place.textContent = "Updating.";
  try {
    place.textContent = (await ask("renew", "POST", {})).message;
    say(place.textContent);
  } catch (error) {
    warn(error.message);
  }
  event.target.disabled = false;
}

async function flagged() {
  const data = await ask("class");
  describe(data);
  return [
    el("h1", { tabIndex: -1 }, "Flagged answers"),
    el("p", { className: "lead soft" },
      data.open.length ? "A new mark resolves each of these." : "No answer is flagged, and no marks are in conflict."),
    el("ul", { className: "open" }, data.open.map((one) => el("li", { className: "card" },
      el("h2", {}, el("a", { href: `#/part/${one.criterion}/${one.key}` }, `${one.part}, ${one.name}`), " ", state(one.state)),
      el("ul", { className: "history" }, [...one.marks, ...one.disputes].map((other) => el("li", {}, mark(other))))))),
  ];
}

function describe(data) {
  document.getElementById("homework").textContent = data.title;
  document.title = `Marking – ${data.title}`;
  showFlagged(data.open.length);
}

async function go() {
  const mine = ++route;
  await leave();
  warn("");
  const [, page, id, key] = location.hash.slice(1).split("/");
  for (const [link, name] of [["to-parts", ""], ["to-flagged", "flagged"]]) {
    const here = (page ?? "") === name;
    if (here) document.getElementById(link).setAttribute("aria-current", "page");
    else document.getElementById(link).removeAttribute("aria-current");
  }
  try {
    if (page === "part" && id) {
      describe(await ask("class"));
      if (mine === route) await openPart(id, key);
      return;
    }
    const found = await (page === "flagged" ? flagged() : parts());
    if (mine !== route) return;
    show(found);
    document.querySelector("h1").focus();
  } catch (error) {
    if (mine !== route) return;
    show(el("h1", { tabIndex: -1 }, "The page could not be loaded"));
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
