"""Prints the results of `grader explain` and `grader diff` in an instructor's terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.records import result_of
from grader.run.explain.compare import changed_values
from grader.text import plain_line

_SHORT = 160   # characters of one reported value
_LABEL = 10    # the width of the first column
_DIFFERING = 5   # values that differ and are shown

Json = Mapping[str, Any]
Lines = Iterable[tuple[str, str]]


def show_explanation(found: Json, console: Console) -> None:
    """Print an explanation: each criterion with its points, rule, evidence and history."""
    marks, files = found["marks"], found["files"]
    _title(console, f"{found['student']}: {marks['score']:g} of {marks['max']:g} points")
    _say(console, "For instructors only: this shows hidden networks and reference answers.")
    _grid(console, [
        ("files", f"{files['source']}, digest {files['digest'][:12]}"),
        *[("", f"not opened: {files['refused']}")] * bool(files["refused"]),
        *_lines("suspicious", files["remarks"]),
        ("run", f"run {found['run']['number']} (the last), begun {found['run']['began']}"),
        ("score", _sum(marks)),
        *_lines("notes", marks["notes"]),
    ])
    for criterion in found["criteria"]:
        _criterion(console, criterion)


def _lines(label: str, texts: Iterable[str]) -> list[tuple[str, str]]:
    """Several lines under one label."""
    return [("" if index else label, text) for index, text in enumerate(texts)]


def _sum(marks: Json) -> str:
    late = f", minus a late penalty of {marks['late_penalty']:g}" if marks["late_penalty"] else ""
    return f"the sum of the points below{late}, at most {marks['cap']:g}"


def _criterion(console: Console, one: Json) -> None:
    rule, run = one["rule"], one["run"]
    points = "?" if one["points"] is None else f"{one['points']:g}"
    result = f"{points} of {one['max']:g} points, {_status(one)}"
    _title(console, f"{one['part']} {one['id']}: {result}")
    lines = [
        ("title", one["title"]),
        ("points", one["how"]),
        ("reason", one["reason"]),
        *_lines("hints", one["hints"]),
        ("task", one["asked"]),
        ("rule", " ".join([f"{rule['check']}.", *rule["how"].split()])),
        *[("", f"{key}: {_short(value)}") for key, value in rule["params"].items()],
        *[("", f"only if {other} earns points") for other in rule["depends_on"]],
        *([("", f"profile {rule['profile']}, {rule['epochs']} epochs")] if rule["epochs"] else []),
        *[("", f"accuracy {row['accuracy']:g} earns {row['share']:g} of the points")
          for row in rule["thresholds"] or ()],
        ("", "limits " + ", ".join(f"{key} {value:g}" for key, value in rule["limits"].items())),
    ]
    _grid(console, lines)
    if not one["evidence"]:
        _say(console, "No evidence was kept: the submission was not opened, or an older grader "
                      "graded it.")
    for evidence in one["evidence"]:
        _evidence(console, evidence)
    _grid(console, [
        *_lines("evidence", (f"{key}: {_short(value)}" for key, value in one["seen"].items())),
        ("judged", f"in run {run['number']}, {run['at']}, on {run['machine']}, "
                      f"seed {run['seed']}"),
        *_lines("versions", (f"{key}: {value}" for key, value in one["versions"].items())),
        *_lines("digests", (f"{key}: {value[:12]}" for key, value in one["digests"].items()
                            if value)),
        *_lines("history", map(_past, one["history"])),
        *_lines("marks", map(_marked, one["marks"])),
        ("reproduce", one["again"]),
    ])


def _past(past: Json) -> str:
    counts = "  <- counts" if past["counts"] else ""
    return (f"run {past['run']}, {past['at']}: {_status(past)}, {past['fraction']:.4g} of the "
            f"points, files {past['files'][:12]}{counts}")


def _marked(mark: Json) -> str:
    """A line on one mark: who gave it, when, and the points."""
    what = {"dispute": "flagged it", "withdrawal": "withdrew the mark"}.get(mark["kind"], "")
    what = what or f"{mark['points']:g} of {mark['of']:g} points"
    words = "; ".join(filter(None, [" / ".join(mark["text"].splitlines()), mark["note"]]))
    counts = "  <- counts" if mark["counts"] else "  <- stands" if mark["stands"] else ""
    return f"{mark['by']}, {mark['at']}: {what}{f' ({words})' if words else ''}{counts}"


def _evidence(console: Console, one: Json) -> None:
    question, key = one["question"], one["key"]
    expected = [("reference", "none: the rule needs none here")]
    if key and "hidden_labels" in key:
        expected = [("reference", f"{key['hidden_labels']}; they are never shown")]
    elif key:
        expected = _values("reference", "its answer", key)
    reported = _values("reported", "by the container", one["reported"]) if one["reported"] else [
        ("reported", "nothing")
    ]
    _grid(console, [
        ("question", f"{question['id']}, kind {question['kind']}, at most {question['seconds']:g} "
                     f"s, digest {question['digest'][:12]}"),
        *[("", f"{name}: {_short(value, 400)}") for name, value in _named(question["args"])],
        ("observed", _observed(one["observed"])),
        *reported,
        *expected,
        *_lines("differs", _differing(one["reported"], key)),
    ], indent=2)


def _differing(reported: Json | None, key: Json | None) -> list[str]:
    """Lines on the values that the container and the reference gave differently."""
    if not reported or not key or "value" not in key:
        return []
    values = reported["value"], key["value"]
    if not all(isinstance(one, (Mapping, list)) for one in values):
        return []   # nothing was answered, or it is no longer in the cache
    found = [f"{name or 'the answer'}: {one}, and {other} in the reference"
             for name, one, other in changed_values(*values)]
    more = [f"and {len(found) - _DIFFERING} more"] * (len(found) > _DIFFERING)
    return found[:_DIFFERING] + more


def _observed(outcome: Json) -> str:
    """The outcome of a question as the host observed it, and who is responsible for a failure."""
    end = f"{outcome['kind']} after {outcome.get('seconds', 0):g} s"
    if outcome["kind"] == "answered":
        return end
    message = f": {outcome['message']}" if outcome.get("message") else ""
    return f"{end}, in phase {outcome['phase']}, caused by the {outcome['owner']}{message}"


def _values(label: str, whose: str, kept: Json) -> list[tuple[str, str]]:
    """Lines with a digest and the values by name, or why the values are missing."""
    value = kept["value"]
    if not isinstance(value, Mapping):
        return [(label, f"{whose}, digest {kept['digest'][:12]}: {_short(value)}")]
    first = (label, f"{whose}, digest {kept['digest'][:12]}")
    return [first, *[("", f"{name}: {_short(part)}") for name, part in value.items()]]


def _named(value: Any) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, Mapping) else [("arguments", value)]


def _short(value: Any, most: int = _SHORT) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    many = f"{len(value)} values: " if isinstance(value, list) and len(text) > most else ""
    return many + plain_line(text, most)


def show_differences(found: Json, console: Console) -> None:
    """Print which students' points changed, by how much, and why."""
    before, after = found["before"], found["after"]
    _title(console, f"run {before['run']} of {before['folder']} -> run {after['run']} of "
                    f"{after['folder']}")
    for one in found["changed"]:
        console.print(Text(plain_line(f"{one['student']}: {one['before']:g} -> {one['after']:g}"),
                           style="bold"))
        _grid(console, _lines("why", one["causes"]), indent=2)
        for row in one["criteria"]:
            change = f"{_marks(row['before'])} -> {_marks(row['after'])}"
            _say(console, f"{row['id']}: {change}", indent=2)
            _grid(console, _lines("why", row["causes"]), indent=4)
    _say(console, f"{len(found['changed'])} changed, {found['unchanged']} unchanged.")
    for key, when in (("only_before", before), ("only_after", after)):
        if found[key]:
            names = ", ".join(found[key])
            _say(console, f"Graded only in run {when['run']} of {when['folder']}: {names}.")


def _marks(row: Json | None) -> str:
    if row is None:
        return "none"
    points = "?" if row["points"] is None else f"{row['points']:g}"
    return f"{points} of {row['max']:g} ({_status(row)})"


def _status(one: Json) -> str:
    """The status as people read it."""
    told: str = result_of(one["status"], one["attempted"])
    return "not attempted" if told == "not_attempted" else told


def _title(console: Console, text: str) -> None:
    console.print()
    console.rule(Text(plain_line(text), style="bold"), align="left")


def _say(console: Console, text: str, indent: int = 0) -> None:
    console.print(Padding(Text(plain_line(text, 2000)), (0, 0, 0, indent)))


def _grid(console: Console, lines: Lines, indent: int = 0) -> None:
    """Print labels on the left and wrapped text on the right. Lines without text are skipped."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=_LABEL, no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for label, text in lines:
        if text:
            grid.add_row(label, Text(plain_line(text, 2000)))
    console.print(Padding(grid, (0, 0, 0, indent)))
