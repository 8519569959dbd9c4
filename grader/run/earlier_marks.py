"""Finds the marks of earlier runs that still hold, as a run begins and as it ends."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator

from grader.errors import GraderError
from grader.grading.gradebook import Gradebook
from grader.grading.points import grade
from grader.records import Grade, Submission
from grader.rubric.model import Rubric
from grader.run.options import RunOptions
from grader.run.workspace import workspace
from grader.submissions.allowlist import imports_of
from grader.submissions.discover import HandIn
from grader.submissions.forbidden import all_rules
from grader.submissions.prepare import prepare
from grader.submissions.stamp import stamp_of


def earlier_marks(
    rubric: Rubric, hand_ins: Collection[HandIn], book: Gradebook
) -> Iterator[Grade]:
    """Yield the grades of earlier runs that still hold for hand-ins not graded in this run.

    Only verdicts on what lies in the class folder now hold. A hand-in that changed since it was
    graded is opened to find that out, and has no grade until a run grades it.
    """
    for item in hand_ins:
        now = _now(rubric, item, book.last(item.student))
        if now is None:
            continue
        book.note(now)
        if (known := book.of(now)).verdicts:
            verdicts, given = [*known.verdicts.values()], book.marks(item.student)
            yield grade(rubric, now, verdicts, known.seconds, given)


def standing_marks(
    rubric: Rubric, hand_ins: Collection[HandIn], chosen: Collection[str], options: RunOptions,
    book: Gradebook,
) -> Iterator[Grade]:
    """Yield the grades of hand-ins whose marks hold as the run begins. It opens none of them.

    Args:
        rubric: The rubric of the run.
        hand_ins: All hand-ins of the class.
        chosen: Names of those that the run grades; one is yielded if all of its verdicts hold.
        options: The run's options: the criteria that it grades, and whether afresh.
        book: The gradebook of the run.
    """
    asked = set(options.criteria) or {one.id for one in rubric.criteria}
    for item in hand_ins:
        now = _unchanged(item, book.last(item.student))
        if now is None:
            continue
        again = item.student in chosen
        known = book.known(now, afresh=asked if options.fresh and again else ())
        if known.verdicts and (not again or asked <= known.verdicts.keys()):
            verdicts, given = [*known.verdicts.values()], book.marks(item.student)
            yield grade(rubric, now, verdicts, known.seconds, given)


def _unchanged(item: HandIn, last: Submission | None) -> Submission | None:
    """Return `last` with what the class folder says of it now; None if other files lie there."""
    # Keys follow from who is in the folder: the same key may have been another student's.
    if last is None or last.source.name != item.sources[0].name:
        return None
    if last.stamp != stamp_of(item.sources):
        return None
    return dataclasses.replace(
        last, submitted_at=item.submitted_at, members=item.members, attempt=item.attempt,
        marked_late=item.marked_late,
    )  # fmt: skip


def _now(rubric: Rubric, item: HandIn, last: Submission | None) -> Submission | None:
    """Return what lies in the folder now: `last`, if it is that, or what is opened to find out.

    None if it was never graded, or cannot be opened through a fault of this machine.
    """
    if last is None:
        return None
    if (same := _unchanged(item, last)) is not None:
        return same
    try:
        with workspace() as folder:
            return prepare(item, folder, imports=imports_of(rubric), rules=all_rules(rubric))
    except (OSError, GraderError):
        return None
