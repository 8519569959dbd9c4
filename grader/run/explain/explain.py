"""Explains a student's marks in plain data, from the questions to the points.

It is for the instructor: it names hidden networks and shows the reference's answers. It knows only
the number and a digest of the hidden labels.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from grader.checks.registry import CHECKS
from grader.errors import UsageError
from grader.grading.history import History, RunRecord, StoredVerdict
from grader.grading.marks import Mark, position_of
from grader.grading.past_grades import PastGrade, PastRun, past_run
from grader.records import Conditions, CriterionGrade, Trace, Verdict
from grader.run.cache.evidence import reported, said_by_reference

Told = dict[str, Any]
GONE = "removed from the cache; only the digest is left"


def explain(history: History, student: str, criterion: str | None = None) -> Told:
    """Explain a student's marks after the last run.

    Args:
        history: The gradebook's history.
        student: The student's key.
        criterion: The criterion to explain; None for all.

    Raises:
        UsageError: The student or the criterion is unknown.
    """
    now = past_run(history)
    standing = now.grade_of(student)
    if standing is None:
        raise UsageError(_nobody(now, student))
    rows = [one for one in standing.grade.criteria
            if criterion in (None, one.verdict.criterion)]
    if not rows:
        there = ", ".join(one.verdict.criterion for one in standing.grade.criteria)
        raise UsageError(f"{student} has no verdict on '{criterion}'; there are {there}")
    grade, latest = standing.grade, standing.grade.submission
    came = history.verdicts(latest.student)
    return {
        "student": student,
        "files": {
            "source": str(latest.source), "digest": latest.digest, "names": list(latest.files),
            "submitted_at": str(latest.submitted_at) if latest.submitted_at else None,
            "refused": latest.refused, "remarks": list(latest.remarks),
        },
        "run": _run(now.run),
        "marks": {
            "score": grade.score, "max": grade.max, "late_penalty": grade.late_penalty,
            "cap": now.rubric.maximum, "notes": list(grade.notes),
        },
        "criteria": [_criterion(now, standing, row, came) for row in rows],
    }


def _nobody(now: PastRun, student: str) -> str:
    students, folder = sorted(now.attempts), now.history.folder
    if student in students:
        return (
            f"{student} has no marks by the rubric of the last run in {folder}: run "
            "`grader run` again, without --only"
        )
    return f"no student '{student}' in {folder}; there are {', '.join(students[:20])}"


def _criterion(
    now: PastRun, standing: PastGrade, row: CriterionGrade, came: Sequence[StoredVerdict]
) -> Told:
    name = row.verdict.criterion
    kept = standing.held[name]
    then = now.history.runs()[kept.run]
    by = then.conditions or now.conditions
    verdict = kept.verdict
    traces = now.history.traces(kept.grading, name)
    said = [one for one in now.history.marks(kept.submission.student) if one.criterion == name]
    counts = position_of(said, kept.submission, verdict)
    return {
        "id": name,
        "title": row.title,
        "part": row.part,
        "visibility": row.visibility,
        "points": row.points,
        "max": row.max,
        "status": row.verdict.status,
        "attempted": row.verdict.attempted,
        "marked": dict(row.verdict.seen["marked"]) if "marked" in row.verdict.seen else None,
        "how": _points(row, verdict),
        "asked": verdict.asked,
        "reason": row.verdict.reason,
        "hints": list(verdict.hints),
        "seen": dict(verdict.seen),
        "rule": _rule(by, name, standing.grade.student),
        "evidence": [_evidence(now, one) for one in traces],
        "run": _run(then) | {"at": kept.at},
        "versions": _versions(by, traces) if then.conditions else {},
        "digests": {
            "files": kept.submission.digest,
            "verdict rests on": kept.fingerprint,
            **(by.ingredients if then.conditions else {}),
        },
        "history": [
            {
                "run": one.run, "at": one.at, "status": one.verdict.status,
                "attempted": one.verdict.attempted, "fraction": one.verdict.fraction,
                "reason": one.verdict.reason,
                "files": one.submission.digest, "counts": one.number == kept.number,
            }
            for one in came if one.verdict.criterion == name
        ],
        "marks": [_mark(one, one == counts.mark, counts.standing) for one in said],
        "conflict": counts.conflict,
        "again": again(standing.grade.student, name, then.seed, by),
    }


def _points(row: CriterionGrade, verdict: Verdict) -> str:
    """Return the calculation of the points, in a sentence."""
    by_hand = row.verdict.seen.get("marked")
    if by_hand:
        check = "no points yet" if verdict.status in ("needs_marking", "not_scored") else (
            f"{verdict.fraction * row.max:.4g}"
        )
        now = "no points" if row.points is None else f"{row.points:g} of {row.max:g}"
        return f"{now}: {by_hand['by']} gave {by_hand['points']:g} of {by_hand['of']:g}, "\
               f"{by_hand['at']}; by the check {check}"
    if row.verdict.status != verdict.status:   # a criterion that it depends on
        return f"{verdict.status}, {row.max:g} points × {verdict.fraction:.4g}; but "\
               f"{row.verdict.reason}"
    if row.points is None:
        return "no points yet: a person or another run has to decide"
    return f"{row.max:g} points × {verdict.fraction:.4g} = {row.points:g}"


def _mark(mark: Mark, counts: bool, standing: Sequence[Mark]) -> Told:
    """Describe a mark that a person gave: whether it counts, and whether it still stands."""
    return {
        "number": mark.number, "kind": mark.kind, "by": mark.marker, "at": mark.at,
        "points": mark.points, "of": mark.max, "text": mark.text, "note": mark.note,
        "answer": mark.answer, "counts": counts, "stands": mark in standing,
    }


def _rule(by: Conditions, name: str, student: str) -> Told:
    """Describe the check: its parameters, thresholds and limits, and the late policy."""
    item = next(one for one in by.rubric["criteria"] if one["id"] == name)
    profile = by.rubric["profiles"].get(by.rubric["profile"], {})   # {} if nothing is trained
    check = CHECKS.get(item["check"])
    return {
        "check": item["check"],
        "params": item["params"],
        "depends_on": item["depends_on"],
        "how": by.rules.get(item["check"], ""),
        "profile": by.rubric["profile"],
        "thresholds": profile.get("thresholds") if check is None or check.thresholds else None,
        "epochs": profile.get("epochs"),
        "limits": by.rubric["limits"],
        "late": _late(by, student),
    }


def _late(by: Conditions, student: str) -> Told | None:
    """Return the late policy with this student's extensions only; others' are private."""
    late = by.rubric["late"]
    given = (late or {}).get("extensions")
    if late is None or not isinstance(given, list):
        return late   # type: ignore[no-any-return]  # as it was kept
    return {**late, "extensions": [one for one in given if one["student"] == student]}


def _versions(by: Conditions, traces: Sequence[Trace]) -> dict[str, str]:
    """Return the versions of the grader, the sandbox and the workers that answered."""
    workers = {", ".join(f"{name} {version}" for name, version in sorted(one.worker.items()))
               for one in traces if one.worker}
    return {**by.versions, **({"worker": "; ".join(sorted(workers))} if workers else {})}


def _evidence(now: PastRun, trace: Trace) -> Told:
    folder = now.history.folder
    return {
        "question": {**_question(trace.question), "digest": trace.digest},
        "observed": {key: value for key, value in asdict(trace.outcome).items()
                     if value and key not in ("output", "traceback")},
        "reported": _kept(trace.reported, reported(folder, trace)),
        "key": {"hidden_labels": trace.labels} if trace.labels else (
            _kept(trace.reference, said_by_reference(folder, trace))
        ),
    }


def _question(question: Mapping[str, Any]) -> Told:
    try:
        return {**question, "args": json.loads(question["args"])}
    except ValueError:   # too long, so it was not stored
        return dict(question)


def _kept(digest: str, value: Any) -> Told | None:
    """Return a digest with its value, or with `GONE`; None for an empty digest."""
    if not digest:
        return None
    return {"digest": digest, "value": GONE if value is None else value}


def _run(run: RunRecord) -> Told:
    return {"number": run.number, "began": run.began, "machine": run.machine, "seed": run.seed}


def again(student: str, criterion: str, seed: int, by: Conditions) -> str:
    """Return the command that asks the same questions again, into a folder of its own.

    Args:
        student: The student's key.
        criterion: The criterion's id.
        seed: The seed of the run.
        by: The conditions of the run.
    """
    options = {key: value for key, value in by.options.items() if key.startswith("--")}
    words = ["grader", "run", by.options.get("submissions", "SUBMISSIONS")]
    for option, value in options.items():
        words += [option, str(value)]
    words += ["--only", student, "--criterion", criterion, "--seed", str(seed)]
    return shlex.join([*words, "--out", "results-again"])
