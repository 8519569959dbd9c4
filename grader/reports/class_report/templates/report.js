"use strict";
// Runs in the head: names hidden last time are hidden again before anything is painted.
const root = document.documentElement;
const KEY = "grader report " + location.pathname;

function recall(storage, key) {
  try { return JSON.parse(storage().getItem(key)); } catch { return null; }
}
function remember(storage, key, value) {
  try { storage().setItem(key, JSON.stringify(value)); return true; } catch { return false; }
}
// Functions, because the mere name raises where a browser forbids storage.
const permanent = () => localStorage;
const forThisTab = () => sessionStorage;

if (recall(permanent, "grader names") === "hidden") root.dataset.names = "hidden";

document.addEventListener("DOMContentLoaded", () => {
  const find = (id) => document.getElementById(id);
  const table = find("table"), body = table.tBodies[0], rows = [...body.rows];
  const text = find("filter-text"), state = find("filter-state");
  const criterion = find("filter-criterion"), status = find("filter-status");
  // By section and by grader; none in a class that has one of each.
  const shares = [...document.querySelectorAll("[data-share]")];
  const rowOf = new Map(rows.map((row) => [row.dataset.alias, row]));
  const buttons = [...table.tHead.querySelectorAll("button")];
  const names = new Map(rows.map((row) => [row.dataset.alias, row.querySelector(".name").textContent]));
  const keys = new Map(rows.map((row) => [row.dataset.alias, row.querySelector(".key")?.textContent ?? ""]));
  const order = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  let sorting = { column: 0, down: false };

  // Sorting -----------------------------------------------------------------------------------
  const hidden = () => root.dataset.names === "hidden";
  const shown = (row) => hidden() ? "Student " + row.dataset.alias : names.get(row.dataset.alias);

  function compare(kind, column) {
    const value = kind === "number"
      ? (row) => row.cells[column].dataset.value
      : (row) => column === 0 ? shown(row) : row.cells[column].textContent;
    const sign = sorting.down ? -1 : 1;
    return (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
      return sign * (kind === "number" ? x - y : order.compare(x, y)) || order.compare(shown(a), shown(b));
    };
  }
  function sort() {
    const button = buttons[sorting.column];
    for (const one of buttons) one.closest("th").setAttribute("aria-sort", "none");
    button.closest("th").setAttribute("aria-sort", sorting.down ? "descending" : "ascending");
    body.append(...rows.sort(compare(button.dataset.kind, sorting.column)));
  }
  buttons.forEach((button, column) => button.addEventListener("click", () => {
    // Numbers begin with the highest. A second click on the same column reverses the order.
    const first = button.dataset.kind === "number";
    sorting = { column, down: sorting.column === column ? !sorting.down : first };
    sort();
  }));

  // Filtering ---------------------------------------------------------------------------------
  const inShare = (alias) => shares.every((share) =>
    !share.value || rowOf.get(alias)?.dataset[share.dataset.share] === share.value);

  function filterLists() {   // other graders' and sections' students leave the lists, too
    for (const one of document.querySelectorAll(".findings > li")) {
      const people = [...one.querySelectorAll(".people > li")];
      for (const item of people) item.hidden = !inShare(item.dataset.alias);
      const count = one.querySelector("strong"), left = people.filter((item) => !item.hidden).length;
      count.textContent = shares.some((share) => share.value) ? left : count.dataset.all;
      one.hidden = !left;
    }
    for (const one of document.querySelectorAll(".pairs > li")) {
      const sides = [...one.querySelectorAll("[data-alias]")];
      one.hidden = !sides.some((side) => inShare(side.dataset.alias));
    }
  }
  function filter() {
    const words = text.value.trim().toLocaleLowerCase();
    let left = 0;
    for (const row of rows) {
      const cells = criterion.value ? [row.cells[criterion.value]] : [...row.cells];
      const name = hidden() ? shown(row) : `${shown(row)} ${keys.get(row.dataset.alias)}`;
      const matches = name.toLocaleLowerCase().includes(words) && inShare(row.dataset.alias)
        && (!state.value || row.dataset.state === state.value)
        && (!status.value || cells.some((cell) => cell.dataset.status === status.value));
      row.hidden = !matches;
      left += matches;
    }
    find("count").textContent = left === rows.length
      ? `${left} students` : `${left} of ${rows.length} students`;
    filterLists();
  }
  const filters = find("filters");
  filters.addEventListener("input", filter);
  for (const share of shares) share.addEventListener("input", filter);
  filters.addEventListener("reset", (event) => {
    event.preventDefault();   // the browser would reset the fields only after this
    for (const field of fields) field.value = "";
    filter();
  });
  filters.addEventListener("submit", (event) => event.preventDefault());

  // Names -------------------------------------------------------------------------------------
  const hide = find("hide-names");
  let stored = true;   // without storage the next load would show the names
  function name() {
    hide.setAttribute("aria-pressed", hidden());
    for (const list of document.querySelectorAll(".people")) {
      // Numbers in alphabetical order of the names would reveal them.
      const label = (item) => hidden() ? item.dataset.alias : names.get(item.dataset.alias) ?? "";
      list.append(...[...list.children].sort((a, b) => order.compare(label(a), label(b))));
    }
    for (const dot of document.querySelectorAll(".dot")) {
      const alias = dot.getAttribute("class").replace(/.*dot-/, "");
      const title = dot.querySelector("title"), [, figures] = title.textContent.split(/: (?=[^:]*$)/);
      title.textContent = `${hidden() ? "Student " + alias : names.get(alias)}: ${figures}`;
    }
    sort();
    filter();
  }
  hide.addEventListener("click", () => {
    if (hidden()) delete root.dataset.names; else root.dataset.names = "hidden";
    stored = remember(permanent, "grader names", hidden() ? "hidden" : "shown");
    text.value = "";   // it may contain a name
    name();
  });

  // Sorting, filters and open lists stay when the page reloads ----------------------------------
  const fields = [text, state, criterion, status, ...shares];
  const follow = find("follow");
  let reloading = false;
  function save() {
    remember(forThisTab, KEY, {
      sorting, values: fields.map((field) => field.value),
      open: [...document.querySelectorAll("details[open]")].map((one) => one.id),
      across: table.parentElement.scrollLeft, focus: document.activeElement.id,
      column: buttons.indexOf(document.activeElement),
      following: follow?.getAttribute("aria-pressed") !== "false", reloading,
    });
  }
  const before = recall(forThisTab, KEY);
  find("controls").hidden = filters.hidden = false;
  if (before && buttons[before.sorting.column]) {
    sorting = before.sorting;
    fields.forEach((field, index) => { field.value = before.values[index] ?? ""; });
    for (const id of before.open) if (find(id)) find(id).open = true;
    follow?.setAttribute("aria-pressed", before.following);
  }
  name();
  if (before?.reloading) {   // an automatic reload should move nothing; browsers keep the page's scroll
    table.parentElement.scrollLeft = before.across;
    const focused = find(before.focus) ?? buttons[before.column];
    focused?.focus({ preventScroll: true });
  }
  addEventListener("pagehide", save);

  // Long lists are open on paper.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll(".findings details:not([open])")];
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of closed) one.open = false; });

  // Reload while the run goes on ---------------------------------------------------------------------
  if (!("running" in root.dataset)) return;
  const EVERY = 8000, QUIET = 3000;
  let touched = 0;
  for (const kind of ["keydown", "pointerdown", "wheel", "touchmove"]) {
    addEventListener(kind, () => { touched = Date.now(); }, { passive: true });
  }
  follow.addEventListener("click", () => {
    follow.setAttribute("aria-pressed", follow.getAttribute("aria-pressed") === "false");
  });
  function reload() {
    const busy = document.hidden || Date.now() - touched < QUIET || !getSelection().isCollapsed
      || document.activeElement.tagName === "SELECT" || (hidden() && !stored)
      || follow.getAttribute("aria-pressed") === "false";
    if (busy) { setTimeout(reload, 1000); return; }
    reloading = true;
    location.reload();
  }
  setTimeout(reload, EVERY);
});
