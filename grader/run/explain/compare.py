"""Compares two runs in plain data: whose marks changed, and why.

Causes come from what both runs stored: digests of everything that a verdict depends on, rubrics,
files and answers. No worker is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from grader.checks.registry import CHECKS
from grader.grading.history import StoredVerdict
from grader.grading.marks import position_of
from grader.grading.past_grades import PastGrade, PastRun
from grader.records import CriterionGrade
from grader.run.provenance.changes import changes
from grader.text import counted, plain_line

Told = dict[str, Any]
UNKNOWN = "unknown: one of the runs is from an older grader that did not store its conditions"


def compare(before: PastRun, after: PastRun) -> Told:
    """Return every student whose points, verdicts or score differ between two runs."""
    students = sorted({*before.attempts, *after.attempts})
    changed: list[Told] = []
    alone: dict[str, list[str]] = {"only_before": [], "only_after": []}
    same = 0
    for student in students:
        one, other = before.grade_of(student), after.grade_of(student)
        if one is None and other is None:
            continue
        if one is None or other is None:
            alone["only_after" if one is None else "only_before"].append(student)
            continue
        rows = list(_rows(before, after, one, other))
        if rows or one.grade.score != other.grade.score:
            changed.append(_student(student, one, other, rows))
        else:
            same += 1
    return {
        "before": _which(before), "after": _which(after), "changed": changed, "unchanged": same,
        **alone,
    }


def _which(moment: PastRun) -> Told:
    run = moment.run
    return {"folder": str(moment.history.folder), "run": run.number, "began": run.began,
            "seed": run.seed}


def _student(student: str, one: PastGrade, other: PastGrade, rows: list[Told]) -> Told:
    late = [standing.grade.late_penalty for standing in (one, other)]
    causes = []
    if late[0] != late[1]:
        causes.append(f"the late penalty was {late[0]:g} and is {late[1]:g}")
    elif one.grade.submission.student != other.grade.submission.student:
        causes.append("another attempt counts")
    elif not rows:
        causes.append("the cap, or which criteria count, changed in the rubric")
    return {
        "student": student,
        "before": one.grade.score,
        "after": other.grade.score,
        "causes": causes,
        "criteria": rows,
    }


def _rows(before: PastRun, after: PastRun, one: PastGrade, other: PastGrade) -> Iterator[Told]:
    """Yield the criteria whose points or verdicts differ, or that only one run has."""
    was = {row.verdict.criterion: row for row in one.grade.criteria}
    now = {row.verdict.criterion: row for row in other.grade.criteria}
    for name in dict.fromkeys([*was, *now]):
        first, second = was.get(name), now.get(name)
        if first is None or second is None:
            where = "after" if first is None else "before"
            causes = [f"there is a verdict on it only {where}"]
        elif _state(first) == _state(second):
            continue
        else:
            causes = _of_marks(one, other, name)
            causes += _causes(before, after, one.held[name], other.held[name])
            causes = causes or _of_points(first, second)
        yield {"id": name, "before": _shown(first), "after": _shown(second),
               "causes": causes or [UNKNOWN]}


def _of_marks(one: PastGrade, other: PastGrade, name: str) -> list[str]:
    """Return a line if a mark by a person was given, changed or withdrawn in between."""
    was, now = (
        position_of(standing.marks, standing.held[name].submission, standing.held[name].verdict)
        for standing in (one, other)
    )
    if was.mark == now.mark and was.conflict == now.conflict:
        return []
    if now.conflict:
        return ["two people marked this answer at the same time and gave different marks"]
    if now.mark is not None:
        mark = now.mark
        return [f"{mark.marker} gave {mark.points:g} of {mark.max:g}, {mark.at}"]
    return ["the manual mark was withdrawn, or belongs to an earlier answer"]


def _state(row: CriterionGrade) -> tuple[float | None, float, str]:
    return row.points, row.max, row.verdict.status


def _shown(row: CriterionGrade | None) -> Told | None:
    if row is None:
        return None
    return {"points": row.points, "max": row.max, "status": row.verdict.status,
            "attempted": row.verdict.attempted, "reason": row.verdict.reason}


def _of_points(first: CriterionGrade, second: CriterionGrade) -> list[str]:
    """Explain different points for one and the same verdict."""
    if first.max != second.max:
        return [f"the rubric now gives {second.max:g} points for this criterion; before, "
                f"{first.max:g}"]
    if first.verdict.status != second.verdict.status:
        return ["a criterion that it depends on changed"]
    return []


def _causes(before: PastRun, after: PastRun, was: StoredVerdict, now: StoredVerdict) -> list[str]:
    """Return why two verdicts may differ, the closest cause first; [] for the same verdict."""
    if was.number == now.number and before.history.folder == after.history.folder:
        return []
    causes = []
    if was.verdict.status == "not_scored":
        causes.append(f"it could not be scored before: {was.verdict.reason}")
    if was.submission.digest != now.submission.digest:
        causes.append("the student's files changed")
    first, second = before.history.runs()[was.run], after.history.runs()[now.run]
    if first.conditions is None or second.conditions is None:
        return causes or [UNKNOWN]
    name = now.verdict.criterion
    causes += _of_rubrics(first.conditions.rubric, second.conditions.rubric, name)
    causes += changes(first.conditions, second.conditions)
    if first.seed != second.seed:
        causes.append(f"the hidden inputs differ: seed {first.seed} before, {second.seed} after")
    return causes or _of_answers(before, after, was, now)


def _of_rubrics(first: Any, second: Any, name: str) -> list[str]:
    """Return how the rubric changed for this criterion."""
    was, now = _criterion(first, name), _criterion(second, name)
    causes = [
        f"its {name} changed from {one} to {other}"
        for key, name in (("check", "check"), ("params", ""))
        for name, one, other in changed_values(was.get(key), now.get(key), name)
    ]
    profiles = [rubric["profiles"].get(rubric["profile"], {}) for rubric in (first, second)]
    thresholds = [profile.get("thresholds") for profile in profiles]
    check = CHECKS.get(now.get("check", ""))
    if thresholds[0] != thresholds[1] and (check is None or check.thresholds):
        steps = [{f"threshold for {one['share']:.4g} of the points": one["accuracy"]
                  for one in some or ()} for some in thresholds]
        causes += [f"the {name} changed from {one} to {other}"
                   for name, one, other in changed_values(steps[0], steps[1])]
    return causes


def changed_values(one: Any, other: Any, name: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield the name of each value that differs inside two structures, and both values.

    Args:
        one: Plain data.
        other: Plain data.
        name: The name of both; the names inside of them follow it.
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in dict.fromkeys([*one, *other]):
            yield from changed_values(one.get(key), other.get(key), f"{name}.{key}".strip("."))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (first, second) in enumerate(zip(one, other, strict=True), start=1):
            yield from changed_values(first, second, f"{name} {number}".strip())
    elif one != other:
        yield name, _value(one), _value(other)


def _value(value: Any) -> str:
    if isinstance(value, (Mapping, list)):
        return counted(len(value), "value")
    return "none" if value is None else plain_line(str(value), 60)


def _criterion(rubric: Any, name: str) -> Told:
    return next((item for item in rubric["criteria"] if item["id"] == name), {})


def _of_answers(
    before: PastRun, after: PastRun, was: StoredVerdict, now: StoredVerdict
) -> list[str]:
    """Return how the answers differ, if nothing else does: the code behaved differently."""
    name = now.verdict.criterion
    first = {one.question["id"]: one for one in before.history.traces(was.grading, name)}
    causes = []
    for one in after.history.traces(now.grading, name):
        question = one.question["id"]
        earlier = first.get(question)
        if earlier is None or earlier.reported == one.reported != "":
            continue
        if earlier.outcome.kind != one.outcome.kind:
            causes.append(f"{question} ended otherwise: {earlier.outcome.kind} before, "
                          f"{one.outcome.kind} after")
        else:
            causes.append(f"the code gave another answer to {question}")
    return causes
