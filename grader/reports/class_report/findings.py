"""Groups reasons that several students share: for lost points, and for attention by a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from grader.reports.class_report.rows import OBSERVATIONS, Cell, Flag, FlagKind, StudentRow
from grader.reports.class_report.similar_reasons import group_by_reason
from grader.reports.student.sections import first_sentence
from grader.rubric.model import Criterion

WRITTEN = "written"   # the check of written answers


@dataclass(frozen=True)
class StudentLink:
    """A student in a list. `anchor` is the place on their page; `own` is the text of their own
    result where it differs from the shared reason."""

    student: str
    anchor: str = ""
    own: str = ""


@dataclass(frozen=True)
class SharedReason:
    """A reason that several students have in common.

    `anonymous` is the text without anything that may name a student. `lost` are the points that it
    cost the class.
    """

    text: str
    anonymous: str
    criteria: tuple[str, ...]
    who: tuple[StudentLink, ...]
    lost: float = 0.0


@dataclass(frozen=True)
class Concern:
    """Everything of one kind that an instructor should look at."""

    kind: FlagKind
    findings: tuple[SharedReason, ...]

    @property
    def students(self) -> int:
        return len({one.student for finding in self.findings for one in finding.who})


def diagnoses_of(rows: Sequence[StudentRow]) -> tuple[SharedReason, ...]:
    """Reasons for lost points; the one that cost the class most comes first.

    The same reason in several criteria counts as one. Points that a person gave have no reason of
    the grader's.
    """
    lost = [
        (row, cell) for row in rows for cell in row.cells
        if cell.status in ("failed", "partial", "not_attempted") and not cell.by_hand
    ]
    found = []
    for group in group_by_reason(lost, lambda one: first_sentence(one[1].reason)):
        who: dict[str, StudentLink] = {}
        for row, cell in group.items:
            who.setdefault(row.student, StudentLink(row.student, _anchor(cell)))
        criteria = tuple(dict.fromkeys(cell.criterion for _, cell in group.items))
        points = sum(cell.lost for _, cell in group.items)
        found.append(
            SharedReason(group.text, group.anonymous, criteria, tuple(who.values()), points)
        )
    return tuple(sorted(found, key=lambda one: (-one.lost, -len(one.who))))


def concerns_of(
    rows: Sequence[StudentRow], criteria: Mapping[str, Criterion]
) -> tuple[Concern, ...]:
    """The flags of all students by kind, in the order of `FlagKind`.

    Args:
        rows: the class.
        criteria: the rubric's criteria by id.
    """
    kinds: tuple[FlagKind, ...] = get_args(FlagKind)
    flags = {kind: [one for row in rows for one in _flagged(row, kind, criteria)] for kind in kinds}
    return tuple(Concern(kind, _grouped(found)) for kind, found in flags.items() if found)


@dataclass(frozen=True)
class _Flagged:
    """What one student is listed for; entries with another `apart` are another finding."""

    row: StudentRow
    text: str
    criteria: tuple[str, ...]
    anchor: str
    apart: str = ""


def _flagged(
    row: StudentRow, kind: FlagKind, criteria: Mapping[str, Criterion]
) -> Iterator[_Flagged]:
    """A student's flags of one kind. What waits for a person is put together: one entry each."""
    flags = [one for one in row.flags if one.kind == kind]
    if kind in OBSERVATIONS:
        for one in flags:
            yield _entry(row, one.text, [one])
        return
    written = [one for one in flags if kind == "waiting" and _is_written(criteria, one)]
    others = [one for one in flags if one not in written]
    if written:
        parts = ", ".join(criteria[one.criterion].part for one in written)
        answers = "answer" if len(written) == 1 else "answers"
        yield _entry(row, f"Written {answers} to {parts}.", written, apart=parts)
    if others:
        yield _entry(row, " ".join(dict.fromkeys(one.text for one in others)), others)


def _is_written(criteria: Mapping[str, Criterion], flag: Flag) -> bool:
    """True for a written answer that waits for its mark."""
    return flag.criterion in criteria and criteria[flag.criterion].check == WRITTEN


def _entry(
    row: StudentRow, text: str, flags: Sequence[Flag], apart: str = ""
) -> _Flagged:
    names = tuple(dict.fromkeys(one.criterion for one in flags if one.criterion))
    run = flags[0].kind == "caution"
    anchor = "#run" if run else _anchor(row.cell(names[0])) if names else ""
    return _Flagged(row, text, names, anchor, apart)


def _grouped(flags: Sequence[_Flagged]) -> tuple[SharedReason, ...]:
    found = []
    kinds = dict.fromkeys(one.apart for one in flags)
    groups = [group for apart in kinds
              for group in group_by_reason([one for one in flags if one.apart == apart],
                                           lambda one: one.text)]  # fmt: skip
    for group in groups:
        names = tuple(dict.fromkeys(name for one in group.items for name in one.criteria))
        who: dict[str, StudentLink] = {}
        for one in group.items:
            own = one.text if one.text != group.text and not one.apart else ""
            who.setdefault(one.row.student, StudentLink(one.row.student, one.anchor, own))
        found.append(SharedReason(group.text, group.anonymous, names, tuple(who.values())))
    return tuple(sorted(found, key=lambda one: -len(one.who)))


def _anchor(cell: Cell | None) -> str:
    return "" if cell is None else f"#criterion-{cell.place}"
