"""Only verdicts on what lies in the class folder now count, in every command."""

from __future__ import annotations

import csv
import dataclasses
import os
from pathlib import Path

import pytest

import grader
from grader.checks.registry import parameter_models
from grader.errors import UsageError
from grader.grading.gradebook_file import open_gradebook
from grader.grading.history import open_history
from grader.grading.past_grades import past_run
from grader.marking.mark_store import open_marks
from grader.marking.service import MarkingService
from grader.records import Concluded
from grader.reports.saved_grades import read_saved
from grader.rubric.load import load
from grader.run.explain.compare import compare
from grader.run.explain.explain import explain
from grader.run.options import RunOptions
from grader.run.provenance.conditions import conditions
from grader.run.provenance.hardware import NO_GPU
from grader.run.refresh import refresh
from grader.sandbox.process import ProcessSandbox
from grader.submissions.stamp import stamp_of
from tests.factories import submission, verdict, write_files, zip_of

RUBRIC = """\
title: "Words"
reference: reference
total: 2
cap: 2
criteria:
  - {id: words, title: "Words", part: "1(a)", points: 2, check: written, answer: a}
"""
A, B = "## (a)\n\n", "## (a)\n\nThree more words.\n"   # blank: 0 of 2; a person has to mark it


@pytest.fixture
def homework(tmp_path: Path) -> Path:
    """A class of two: written answers need no worker, so a run is quick."""
    write_files(tmp_path, {
        "rubric.yaml": RUBRIC, "reference/answers.md": B,
        "class/ada/answers.md": A, "class/grace/answers.md": A,
    })  # fmt: skip
    run(tmp_path)
    return tmp_path


def run(homework: Path, *only: str) -> None:
    grader.grade(
        homework / "class", homework / "rubric.yaml", homework / "results", only=only,
        options=RunOptions(sandbox="process"),
    )  # fmt: skip


def hand_in(homework: Path, text: str) -> None:
    write_files(homework, {"class/ada/answers.md": text})


def marks(homework: Path) -> dict[str, str]:
    """Everybody's points in `grades.csv`; "" where a person has to decide."""
    with (homework / "results" / "grades.csv").open(newline="", encoding="utf-8") as file:
        return {row["student"]: row["words"] for row in csv.DictReader(file)}


def everywhere(homework: Path) -> set[str]:
    """The status of ada's answer, as each command tells it."""
    out = homework / "results"
    told = [one for one in read_saved(out).submissions if one.student == "ada"]
    found = {one.criteria[0].status for one in told}
    with open_history(out) as history:
        found.add(explain(history, "ada")["criteria"][0]["status"])
        last = past_run(history)
        graded = compare(last, last)
        assert not graded["changed"] and graded["unchanged"] == 2
    with open_marks(out) as store:
        answers = MarkingService(out, store).answers("words")
        found |= {one.row.verdict.status for one in answers if one.student == "ada"}
    refresh(out)
    return found | {read_saved(out).submissions[0].criteria[0].status}


def test_a_hand_in_that_went_back_to_its_first_version_has_the_first_mark_for_good(
    homework: Path,
) -> None:
    hand_in(homework, B)
    run(homework)
    assert marks(homework) == {"ada": "", "grace": "0.0"}
    assert everywhere(homework) == {"needs_marking"}
    hand_in(homework, A)
    run(homework)
    assert everywhere(homework) == {"failed"}
    run(homework, "grace")
    assert marks(homework) == {"ada": "0.0", "grace": "0.0"}
    assert everywhere(homework) == {"failed"}


def test_a_run_of_another_student_alone_sees_that_it_went_back(homework: Path) -> None:
    hand_in(homework, B)
    run(homework)
    hand_in(homework, A)
    run(homework, "grace")
    assert marks(homework) == {"ada": "0.0", "grace": "0.0"}
    assert everywhere(homework) == {"failed"}


def test_a_new_version_that_no_run_has_graded_has_no_mark_of_the_old_one(homework: Path) -> None:
    hand_in(homework, B)
    run(homework, "grace")
    assert marks(homework) == {"grace": "0.0"}
    with open_history(homework / "results") as history, pytest.raises(UsageError) as error:
        explain(history, "ada")
    assert "again, without --only" in str(error.value)
    run(homework)
    assert everywhere(homework) == {"needs_marking"}


def test_what_did_not_change_keeps_its_mark(homework: Path) -> None:
    os.utime(homework / "class" / "ada" / "answers.md", (0, 0))
    run(homework, "grace")
    assert marks(homework) == {"ada": "0.0", "grace": "0.0"}
    (homework / "class" / "ada" / "answers.md").unlink()   # the same files in another archive
    write_files(homework, {"class/ada/hw.zip": zip_of({"answers.md": A})})
    run(homework, "grace")
    assert marks(homework) == {"ada": "0.0", "grace": "0.0"}
    assert everywhere(homework) == {"failed"}


@pytest.mark.parametrize(("present", "number"), [(None, 2), (("one", "two"), 2), (("one",), 1)])
def test_an_attempt_that_was_taken_out_of_the_folder_counts_no_more(
    tmp_path: Path, present: tuple[str, ...] | None, number: int
) -> None:
    rubric = load(write_files(tmp_path, {"rubric.yaml": RUBRIC, "reference/answers.md": B})
                  / "rubric.yaml", parameter_models)
    by = conditions(rubric, ProcessSandbox(), NO_GPU, RunOptions(), present)
    first = submission("one", members=("ada",), digest="1")
    second = dataclasses.replace(first, student="two", digest="2", attempt=2)
    with open_gradebook(tmp_path, print) as book:
        book.begin(by.fingerprints, seed=7, drawn=7)
        book.keep_conditions(by)
        for one in (first, second):
            book.add(one, Concluded({"words": verdict("words")}))
    with open_history(tmp_path) as history:
        graded = past_run(history).grade_of("ada")
    assert graded is not None and graded.grade.submission.student == ("one", "two")[number - 1]


def test_a_stamp_follows_names_and_content(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "ada", {"hw.py": "1", "data/x.csv": "2"})
    stamps = [stamp_of([folder])]
    for name, text in (("data/x.csv", "3"), ("hw.py", "4"), ("new.py", "")):
        write_files(folder, {name: text})
        stamps.append(stamp_of([folder]))
    (folder / "new.py").rename(folder / "other.py")
    stamps.append(stamp_of([folder]))
    assert len(set(stamps)) == 5
    os.mkfifo(folder / "pipe")   # is not opened, which would wait for ever
    (folder / "link").symlink_to("nowhere")
    assert stamp_of([folder]) not in stamps
    assert stamp_of([tmp_path / "nobody"]) == stamp_of([tmp_path / "nobody"])
