"""Each cause of a changed mark, told from what two runs have kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from grader.checks.registry import parameter_models
from grader.grading.gradebook_file import open_gradebook
from grader.grading.history import open_history
from grader.grading.past_grades import past_run
from grader.records import Concluded, Conditions, Outcome, Submission, Trace, Verdict
from grader.rubric.load import load
from grader.run.explain.compare import UNKNOWN, changed_values, compare
from grader.run.options import RunOptions
from grader.run.provenance.conditions import conditions
from grader.run.provenance.hardware import NO_GPU
from grader.sandbox.process import ProcessSandbox
from tests.factories import submission

RUBRIC = Path(__file__).parent.parent.parent.parent / "rubric.yaml"
ADA = submission(digest="digest of ada's files")
NAME = "accuracy"


@pytest.fixture(scope="module")
def usual() -> Conditions:
    rubric = load(RUBRIC, parameter_models)
    return conditions(rubric, ProcessSandbox(), NO_GPU, RunOptions(rubric_path=RUBRIC))


def verdict(status: str, fraction: float) -> Verdict:
    return Verdict(NAME, status, fraction, "the reason")  # type: ignore[arg-type]  # one of the words


FULL, HALF = verdict("passed", 1.0), verdict("partial", 0.5)


def trace(kind: str = "answered", reported: str = "one") -> Trace:
    return Trace({"id": "train", "args": "{}"}, "digest", (NAME,), Outcome(kind, "student"),
                 reported)


def run(
    folder: Path, by: Conditions | None, found: Verdict, traces: tuple[Trace, ...] = (),
    submission: Submission = ADA, seed: int = 7,
) -> None:
    wanted = by.fingerprints if by is not None else {NAME: "print"}
    with open_gradebook(folder, print) as book:
        book.begin(wanted, seed=seed, drawn=7)
        if by is not None:
            book.keep_conditions(by)
        book.add(submission, Concluded({NAME: found}, 1.0, traces))


def causes(folder: Path) -> list[str]:
    with open_history(folder) as history:
        found = compare(past_run(history, 1), past_run(history, 2))
    ((row,),) = (one["criteria"] for one in found["changed"])
    told: list[str] = row["causes"]
    return told


def other(by: Conditions, **changed: Any) -> Conditions:
    """Change one thing, and all fingerprints with it."""
    prints = {name: f"{digest} {sorted(changed)}" for name, digest in by.fingerprints.items()}
    return dataclasses.replace(by, fingerprints=prints, **changed)


def ingredient(by: Conditions, *names: str) -> Mapping[str, str]:
    assert set(names) <= set(by.ingredients)
    return {**by.ingredients, **dict.fromkeys(names, "another")}


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("the profile",), ["the profile changed"]),
        (("the data",), ["the data changed"]),
        (("the limits",), ["the limits changed"]),
        (("the handouts",), ["the handouts changed"]),
        (("the sandbox",), ["the sandbox changed"]),
        (("the hardware",), ["the hardware changed"]),
        (("the grader's code",), ["the grader's code changed"]),
        (("the grader's code", "the checks' code"), ["the checks' code changed"]),
        (("the grader's code", "the worker's code"), ["the worker's code changed"]),
    ],
)
def test_what_a_verdict_depends_on_is_named(
    tmp_path: Path, usual: Conditions, names: tuple[str, ...], told: list[str]
) -> None:
    run(tmp_path, usual, HALF)
    run(tmp_path, other(usual, ingredients=ingredient(usual, *names)), FULL)
    assert causes(tmp_path) == told


def test_thresholds_are_told_as_they_were_and_as_they_are(
    tmp_path: Path, usual: Conditions
) -> None:
    rubric = dict(usual.rubric)
    profile = {**rubric["profiles"]["quick"], "thresholds": [{"accuracy": 0.85, "share": 1.0}]}
    rubric["profiles"] = {**rubric["profiles"], "quick": profile}
    run(tmp_path, usual, HALF)
    run(tmp_path, other(usual, rubric=rubric), FULL)
    told = causes(tmp_path)
    assert told[0] == "the threshold for 1 of the points changed from 0.9 to 0.85"
    assert told[1] == "the threshold for 0.7 of the points changed from 0.8 to none"


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ({"a": {"b": [1, 2, 3]}, "c": 5}, {"a": {"b": [1, 4, 3]}, "c": 5}, [("a.b 2", "2", "4")]),
        ({"count": 9600, "more": "x"}, {"count": 9500, "more": "x"}, [("count", "9600", "9500")]),
        ({"a": 1}, {"b": 1}, [("a", "1", "none"), ("b", "none", "1")]),
        ([1, 2], [1, 2, 3], [("", "2 values", "3 values")]),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}, []),
    ],
)
def test_the_value_that_changed_is_told_and_not_what_is_around_it(
    one: object, other: object, told: list[tuple[str, str, str]]
) -> None:
    assert list(changed_values(one, other)) == told


def test_another_seed_is_another_exam(tmp_path: Path, usual: Conditions) -> None:
    run(tmp_path, usual, HALF)
    run(tmp_path, usual, FULL, seed=8)
    assert causes(tmp_path) == ["the hidden inputs differ: seed 7 before, 8 after"]


def test_what_could_not_be_scored_says_why(tmp_path: Path, usual: Conditions) -> None:
    run(tmp_path, usual, verdict("not_scored", 0.0))
    run(tmp_path, usual, FULL)
    assert causes(tmp_path) == ["it could not be scored before: the reason"]


def test_other_files_are_told(tmp_path: Path, usual: Conditions) -> None:
    run(tmp_path, usual, HALF)
    run(tmp_path, usual, FULL, submission=dataclasses.replace(ADA, digest="another"))
    assert causes(tmp_path) == ["the student's files changed"]


def test_code_that_did_something_else_is_told_when_nothing_else_changed(
    tmp_path: Path, usual: Conditions
) -> None:
    run(tmp_path, usual, HALF, (trace(),))
    run(tmp_path, usual, FULL, (trace(reported="another"),))
    assert causes(tmp_path) == ["the code gave another answer to train"]


def test_another_end_is_told(tmp_path: Path, usual: Conditions) -> None:
    run(tmp_path, usual, FULL, (trace(),))
    run(tmp_path, usual, HALF, (trace("time_limit", ""),))
    assert causes(tmp_path) == ["train ended otherwise: answered before, time_limit after"]


def test_no_cause_is_made_up_where_none_is_kept(tmp_path: Path, usual: Conditions) -> None:
    run(tmp_path, None, HALF)
    run(tmp_path, usual, FULL)
    assert causes(tmp_path) == [UNKNOWN]
