"""What was said of several students: why they lost points, and what a person should look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from grader.reports.class_report.rows import Flag, FlagKind, Mark, Row
from grader.reports.class_report.similar_reasons import alike, first_sentence


@dataclass(frozen=True)
class Mention:
    """A student in a list: `anchor` leads to the place on their page, `own` is their own text."""

    student: str
    anchor: str = ""
    own: str = ""


@dataclass(frozen=True)
class Finding:
    """Something that was said of several students. `anonymous` is without what may name them."""

    text: str
    anonymous: str
    criteria: tuple[str, ...]
    who: tuple[Mention, ...]


@dataclass(frozen=True)
class Concern:
    """What a person should look at, of one kind."""

    kind: FlagKind
    findings: tuple[Finding, ...]

    @property
    def students(self) -> int:
        return len({one.student for finding in self.findings for one in finding.who})


def diagnoses_of(rows: Sequence[Row]) -> tuple[Finding, ...]:
    """Why points were lost, the commonest first; one reason in several criteria is one of them."""
    lost = [
        (row, mark) for row in rows for mark in row.marks if mark.status in ("failed", "partial")
    ]
    found = []
    for group in alike(lost, lambda one: first_sentence(one[1].reason)):
        who: dict[str, Mention] = {}
        for row, mark in group.items:
            who.setdefault(row.student, Mention(row.student, _anchor(mark)))
        criteria = tuple(dict.fromkeys(mark.criterion for _, mark in group.items))
        found.append(Finding(group.text, group.anonymous, criteria, tuple(who.values())))
    return tuple(sorted(found, key=lambda one: -len(one.who)))


def concerns_of(rows: Sequence[Row], titles: Mapping[str, str]) -> tuple[Concern, ...]:
    flagged: dict[FlagKind, list[tuple[Row, Flag]]] = {kind: [] for kind in get_args(FlagKind)}
    for row in rows:
        for flag in row.flags:
            flagged[flag.kind].append((row, flag))
    return tuple(
        Concern(kind, _answers(flags, titles) if kind == "waiting" else _findings(flags))
        for kind, flags in flagged.items() if flags
    )


def _findings(flags: Sequence[tuple[Row, Flag]]) -> tuple[Finding, ...]:
    found = []
    for group in alike(flags, lambda one: one[1].text):
        criteria = tuple(dict.fromkeys(flag.criterion for _, flag in group.items if flag.criterion))
        who = tuple(
            Mention(
                row.student,
                "#run" if flag.kind == "caution" else _anchor(row.mark(flag.criterion)),
                flag.text if flag.text != group.text else "",
            )
            for row, flag in group.items
        )
        found.append(Finding(group.text, group.anonymous, criteria, who))
    return tuple(sorted(found, key=lambda one: -len(one.who)))


def _answers(
    flags: Sequence[tuple[Row, Flag]], titles: Mapping[str, str]
) -> tuple[Finding, ...]:
    """What waits to be marked, criterion by criterion."""
    by_criterion: dict[str, list[tuple[Row, Flag]]] = {}
    for row, flag in flags:
        by_criterion.setdefault(flag.criterion, []).append((row, flag))
    return tuple(
        Finding(
            f"{titles[name]}: {group.text}", f"{titles[name]}: {group.anonymous}", (name,),
            tuple(Mention(row.student, _anchor(row.mark(name))) for row, _ in group.items),
        )
        for name, waiting in by_criterion.items()
        for group in alike(waiting, lambda one: one[1].text)
    )


def _anchor(mark: Mark | None) -> str:
    return "" if mark is None else f"#criterion-{mark.place}"
