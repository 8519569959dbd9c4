"""What `grader explain` and `grader diff` found, for an instructor's terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.text import plain_line

_SHORT = 160   # characters of one value that a container reported
_LABEL = 10    # the width of the first column

Told = Mapping[str, Any]
Lines = Iterable[tuple[str, str]]


def show_explanation(told: Told, console: Console) -> None:
    """Each criterion with all that it rests on."""
    marks, files = told["marks"], told["files"]
    _title(console, f"{told['student']}: {marks['score']:g} of {marks['max']:g}")
    _say(console, "For the instructor: this names hidden networks and what the reference answers.")
    _grid(console, [
        ("files", f"{files['source']}, digest {files['digest'][:12]}"),
        *[("", f"refused: {files['refused']}")] * bool(files["refused"]),
        *_lines("remarks", files["remarks"]),
        ("run", f"{told['run']['number']} is the last, of {told['run']['began']}"),
        ("sum", _sum(marks)),
        *_lines("notes", marks["notes"]),
    ])
    for criterion in told["criteria"]:
        _criterion(console, criterion)


def _lines(label: str, texts: Iterable[str]) -> list[tuple[str, str]]:
    """Several lines under one label."""
    return [("" if index else label, text) for index, text in enumerate(texts)]


def _sum(marks: Told) -> str:
    late = f", less {marks['late_penalty']:g} for lateness" if marks["late_penalty"] else ""
    return f"the points below{late}, never above {marks['cap']:g}"


def _criterion(console: Console, one: Told) -> None:
    rule, run = one["rule"], one["run"]
    points = "?" if one["points"] is None else f"{one['points']:g}"
    _title(console, f"{one['part']} {one['id']}: {points} of {one['max']:g}, {one['status']}")
    lines = [
        ("title", one["title"]),
        ("points", one["how"]),
        ("reason", one["reason"]),
        *_lines("hints", one["hints"]),
        ("asked", one["asked"]),
        ("rule", " ".join([f"{rule['check']}.", *rule["how"].split()])),
        *[("", f"{key}: {_short(value)}") for key, value in rule["params"].items()],
        *[("", f"only if {other} earns something") for other in rule["depends_on"]],
        *([("", f"profile {rule['profile']}, {rule['epochs']} epochs")] if rule["epochs"] else []),
        *[("", f"an accuracy of {row['accuracy']:g} gives {row['share']:g} of the points")
          for row in rule["thresholds"] or ()],
        ("", "limits " + ", ".join(f"{key} {value:g}" for key, value in rule["limits"].items())),
    ]
    _grid(console, lines)
    if not one["evidence"]:
        _say(console, "Nothing is kept of what was asked: it was not opened, or is from before "
                      "evidence was kept.")
    for evidence in one["evidence"]:
        _evidence(console, evidence)
    _grid(console, [
        *_lines("seen", (f"{key}: {_short(value)}" for key, value in one["seen"].items())),
        ("concluded", f"in run {run['number']}, {run['at']}, on {run['machine']}, "
                      f"seed {run['seed']}"),
        *_lines("versions", (f"{key}: {value}" for key, value in one["versions"].items())),
        *_lines("digests", (f"{key}: {value[:12]}" for key, value in one["digests"].items()
                            if value)),
        *_lines("history", map(_past, one["history"])),
        *_lines("marks", map(_marked, one["marks"])),
        ("again", one["again"]),
    ])


def _past(past: Told) -> str:
    counts = "  <- counts" if past["counts"] else ""
    return (f"run {past['run']}, {past['at']}: {past['status']}, {past['fraction']:.4g} of the "
            f"points, files {past['files'][:12]}{counts}")


def _marked(mark: Told) -> str:
    """What one person said of it, and when."""
    what = {"dispute": "flagged it", "withdrawal": "took the mark back"}.get(mark["kind"], "")
    what = what or f"{mark['points']:g} of {mark['of']:g}"
    words = "; ".join(filter(None, [" / ".join(mark["text"].splitlines()), mark["note"]]))
    counts = "  <- counts" if mark["counts"] else "  <- stands" if mark["stands"] else ""
    return f"{mark['by']}, {mark['at']}: {what}{f' ({words})' if words else ''}{counts}"


def _evidence(console: Console, one: Told) -> None:
    question, key = one["question"], one["key"]
    expected = [("key", "none: the rule needs none here")]
    if key and "hidden_labels" in key:
        expected = [("key", f"{key['hidden_labels']}; they are never shown")]
    elif key:
        expected = _values("key", "the reference's answer", key)
    said = _values("reported", "by the container", one["reported"]) if one["reported"] else [
        ("reported", "nothing")
    ]
    _grid(console, [
        ("question", f"{question['id']}, kind {question['kind']}, at most {question['seconds']:g} "
                     f"s, digest {question['digest'][:12]}"),
        *[("", f"{name}: {_short(value, 400)}") for name, value in _named(question["args"])],
        ("observed", _observed(one["observed"])),
        *said,
        *expected,
    ], indent=2)


def _observed(outcome: Told) -> str:
    """How it ended, by what the host saw, and whose fault that was if it was one."""
    end = f"{outcome['kind']} after {outcome.get('seconds', 0):g} s"
    if outcome["kind"] == "answered":
        return end
    told = f": {outcome['message']}" if outcome.get("message") else ""
    return f"{end}, in phase {outcome['phase']}, laid to the {outcome['owner']}{told}"


def _values(label: str, whose: str, kept: Told) -> list[tuple[str, str]]:
    """A digest, and the values by name, or why they are not there."""
    value = kept["value"]
    if not isinstance(value, Mapping):
        return [(label, f"{whose}, digest {kept['digest'][:12]}: {_short(value)}")]
    first = (label, f"{whose}, digest {kept['digest'][:12]}")
    return [first, *[("", f"{name}: {_short(part)}") for name, part in value.items()]]


def _named(value: Any) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, Mapping) else [("arguments", value)]


def _short(value: Any, most: int = _SHORT) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    many = f"{len(value)} of them, " if isinstance(value, list) and len(text) > most else ""
    return many + plain_line(text, most)


def show_differences(told: Told, console: Console) -> None:
    """Whose marks changed, by how much, and why."""
    before, after = told["before"], told["after"]
    _title(console, f"run {before['run']} of {before['folder']} -> run {after['run']} of "
                    f"{after['folder']}")
    for one in told["changed"]:
        console.print(Text(plain_line(f"{one['student']}: {one['before']:g} -> {one['after']:g}"),
                           style="bold"))
        _grid(console, _lines("why", one["causes"]), indent=2)
        for row in one["criteria"]:
            change = f"{_marks(row['before'])} -> {_marks(row['after'])}"
            _say(console, f"{row['id']}: {change}", indent=2)
            _grid(console, _lines("why", row["causes"]), indent=4)
    _say(console, f"{len(told['changed'])} changed, {told['unchanged']} did not.")
    for key, when in (("only_before", before), ("only_after", after)):
        if told[key]:
            _say(console, f"Only after run {when['run']} of {when['folder']} there are marks of "
                          + ", ".join(told[key]) + ".")


def _marks(row: Told | None) -> str:
    if row is None:
        return "none"
    points = "?" if row["points"] is None else f"{row['points']:g}"
    return f"{points} of {row['max']:g} ({row['status']})"


def _title(console: Console, text: str) -> None:
    console.print()
    console.rule(Text(plain_line(text), style="bold"), align="left")


def _say(console: Console, text: str, indent: int = 0) -> None:
    console.print(Padding(Text(plain_line(text, 2000)), (0, 0, 0, indent)))


def _grid(console: Console, lines: Lines, indent: int = 0) -> None:
    """Labels on the left, text that is wrapped on the right; lines without a text are left out."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=_LABEL, no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for label, text in lines:
        if text:
            grid.add_row(label, Text(plain_line(text, 2000)))
    console.print(Padding(grid, (0, 0, 0, indent)))
