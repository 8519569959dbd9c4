"""Groups reasons that several students share: for lost points, and for attention by a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from grader.reports.class_report.rows import Cell, Flag, FlagKind, StudentRow
from grader.reports.class_report.similar_reasons import group_by_reason
from grader.reports.student.sections import first_sentence


@dataclass(frozen=True)
class StudentLink:
    """A student in a list. `anchor` is the place on their page; `own` is the text of their own
    result where it differs from the shared reason."""

    student: str
    anchor: str = ""
    own: str = ""


@dataclass(frozen=True)
class SharedReason:
    """A reason that several students have in common. `anonymous` is the text without anything that
    may name a student."""

    text: str
    anonymous: str
    criteria: tuple[str, ...]
    who: tuple[StudentLink, ...]


@dataclass(frozen=True)
class Concern:
    """Everything of one kind that an instructor should look at."""

    kind: FlagKind
    findings: tuple[SharedReason, ...]

    @property
    def students(self) -> int:
        return len({one.student for finding in self.findings for one in finding.who})


def diagnoses_of(rows: Sequence[StudentRow]) -> tuple[SharedReason, ...]:
    """Reasons for lost points, the most common first. The same reason in several criteria counts
    as one."""
    lost = [
        (row, cell) for row in rows for cell in row.cells
        if cell.status in ("failed", "partial", "not_attempted")
    ]
    found = []
    for group in group_by_reason(lost, lambda one: first_sentence(one[1].reason)):
        who: dict[str, StudentLink] = {}
        for row, cell in group.items:
            who.setdefault(row.student, StudentLink(row.student, _anchor(cell)))
        criteria = tuple(dict.fromkeys(cell.criterion for _, cell in group.items))
        found.append(SharedReason(group.text, group.anonymous, criteria, tuple(who.values())))
    return tuple(sorted(found, key=lambda one: -len(one.who)))


def concerns_of(rows: Sequence[StudentRow], titles: Mapping[str, str]) -> tuple[Concern, ...]:
    """The flags of all students by kind, in the order of `FlagKind`.

    Args:
        titles: the criteria's titles by id.
    """
    flagged: dict[FlagKind, list[tuple[StudentRow, Flag]]] = {
        kind: [] for kind in get_args(FlagKind)
    }
    for row in rows:
        for flag in row.flags:
            flagged[flag.kind].append((row, flag))
    return tuple(
        Concern(kind, _waiting(flags, titles) if kind == "waiting" else _grouped(flags))
        for kind, flags in flagged.items() if flags
    )


def _grouped(flags: Sequence[tuple[StudentRow, Flag]]) -> tuple[SharedReason, ...]:
    found = []
    for group in group_by_reason(flags, lambda one: one[1].text):
        criteria = tuple(dict.fromkeys(flag.criterion for _, flag in group.items if flag.criterion))
        who = tuple(
            StudentLink(
                row.student,
                "#run" if flag.kind == "caution" else _anchor(row.cell(flag.criterion)),
                flag.text if flag.text != group.text else "",
            )
            for row, flag in group.items
        )
        found.append(SharedReason(group.text, group.anonymous, criteria, who))
    return tuple(sorted(found, key=lambda one: -len(one.who)))


def _waiting(
    flags: Sequence[tuple[StudentRow, Flag]], titles: Mapping[str, str]
) -> tuple[SharedReason, ...]:
    """Answers that need manual grading, criterion by criterion."""
    by_criterion: dict[str, list[tuple[StudentRow, Flag]]] = {}
    for row, flag in flags:
        by_criterion.setdefault(flag.criterion, []).append((row, flag))
    return tuple(
        SharedReason(
            f"{titles[name]}: {group.text}", f"{titles[name]}: {group.anonymous}", (name,),
            tuple(StudentLink(row.student, _anchor(row.cell(name))) for row, _ in group.items),
        )
        for name, waiting in by_criterion.items()
        for group in group_by_reason(waiting, lambda one: one[1].text)
    )


def _anchor(cell: Cell | None) -> str:
    return "" if cell is None else f"#criterion-{cell.place}"
