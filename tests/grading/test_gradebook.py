"""The gradebook: what was concluded is neither lost nor doubled, and only what holds counts."""

from __future__ import annotations

import dataclasses
import json
import math
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.grading.gradebook import Gradebook
from grader.grading.gradebook_file import NAME, in_memory, open_gradebook
from grader.records import (
    Concluded,
    ConfusionMatrix,
    LearningCurve,
    Series,
    Table,
    Verdict,
)
from tests.factories import submission, verdict
from tests.reports.student.sample_grade import RUN

WANTED = {"one": "print of one", "two": "print of two"}
ADA = submission(
    digest="digest of ada's files", answers={"a": "Two words."},
    submitted_at=datetime(2026, 11, 24, tzinfo=UTC), notes=("late",),
)
FULL = Verdict(
    "one", "partial", 0.5, "Half of it.", hints=("a hint",), asked="Something.",
    tables=(Table("title", ("a", "b"), (("1", "2"),)),),
    pictures=(
        LearningCurve("curve", (Series("loss", ((1.0, 0.5),)),), ()),
        ConfusionMatrix("matrix", ("cat", "dog"), ((1, 0), (0, 1))),
    ),
    seen={"outcome": "answered", "numbers": [1, 2.5, None], "deep": {"er": True}},
)


def concluded(*verdicts: Verdict, seconds: float = 1.0) -> Concluded:
    return Concluded({one.criterion: one for one in verdicts}, seconds)


@pytest.fixture
def book() -> Iterator[Gradebook]:
    with in_memory() as book:
        book.begin(WANTED, seed=None, drawn=7)
        yield book


def test_a_verdict_comes_back_as_it_was(book: Gradebook) -> None:
    book.add(ADA, concluded(FULL, verdict("two")))
    assert book.known(ADA) == concluded(FULL, verdict("two"))
    assert book.last("ada") == ADA and book.of(ADA) == concluded(FULL, verdict("two"))


def test_a_verdict_with_a_run_comes_back_as_it_was(book: Gradebook) -> None:
    odd = dataclasses.replace(
        RUN,
        stretches=(dataclasses.replace(RUN.stretches[0], loss=math.inf, accuracy=None),),
        curve=None,
    )
    both = (dataclasses.replace(FULL, run=RUN), dataclasses.replace(verdict("two"), run=odd))
    book.add(ADA, concluded(*both))
    assert book.known(ADA) == concluded(*both)


def test_a_run_whose_loss_is_not_a_number_comes_back(book: Gradebook) -> None:
    lost = dataclasses.replace(RUN.stretches[0], loss=math.nan)
    run = dataclasses.replace(RUN, stretches=(lost,))
    book.add(ADA, concluded(dataclasses.replace(FULL, run=run)))
    found = book.known(ADA).verdicts["one"].run
    assert found is not None
    assert found.stretches[0].loss is not None
    assert math.isnan(found.stretches[0].loss)


def test_a_verdict_from_before_there_were_runs_still_reads(tmp_path: Path) -> None:
    with open_gradebook(tmp_path, print) as book:
        book.begin(WANTED, seed=None, drawn=7)
        book.add(ADA, concluded(FULL))
    file = sqlite3.connect(tmp_path / NAME)
    with file:
        ((text,),) = file.execute("select verdict from verdicts").fetchall()
        before = json.loads(text)
        del before["run"]
        file.execute("update verdicts set verdict = ?", (json.dumps(before),))
    file.close()
    with open_gradebook(tmp_path, print) as book:
        book.begin(WANTED, seed=None, drawn=7)
        assert book.known(ADA) == concluded(FULL)


def test_the_last_verdict_counts_by_the_order_in_which_they_came(book: Gradebook) -> None:
    book.add(ADA, concluded(verdict("one", 0, "failed")))
    book.add(ADA, concluded(verdict("one")))
    assert book.known(ADA).verdicts["one"].status == "passed"


def test_a_verdict_on_other_files_is_none_on_these(book: Gradebook) -> None:
    book.add(ADA, concluded(verdict("one")))
    assert book.known(dataclasses.replace(ADA, digest="another")).verdicts == {}
    assert book.known(dataclasses.replace(ADA, student="grace")).verdicts == {}


def test_what_could_not_be_scored_is_asked_again(book: Gradebook) -> None:
    book.add(ADA, concluded(verdict("one", 0, "not_scored"), verdict("two", 0, "needs_marking")))
    assert set(book.known(ADA).verdicts) == {"two"}


def test_a_verdict_stands_when_a_later_try_could_not_be_scored(book: Gradebook) -> None:
    book.add(ADA, concluded(verdict("one")))
    book.add(ADA, concluded(verdict("one", 0, "not_scored")))
    assert book.known(ADA).verdicts["one"].status == "passed"


def test_a_criterion_that_changed_is_asked_again_and_the_others_are_not(book: Gradebook) -> None:
    book.add(ADA, concluded(verdict("one"), verdict("two")))
    book.begin(WANTED | {"two": "another print"}, seed=None, drawn=7)
    assert set(book.known(ADA).verdicts) == {"one"}


def test_all_of_a_class_sit_the_same_exam(book: Gradebook) -> None:
    other = WANTED | {"two": "another print"}
    assert book.begin(WANTED, seed=None, drawn=8) == 7
    assert book.begin(other, seed=None, drawn=9) == 7, "what was answered can be judged anew"
    assert book.begin(WANTED, seed=None, drawn=10) == 7
    assert book.begin(WANTED, seed=5, drawn=11) == 5
    assert book.begin(WANTED, seed=None, drawn=12, fresh=True) == 12
    assert book.begin(WANTED, seed=None, drawn=13) == 12


def test_a_fresh_run_asks_again_and_so_do_those_that_go_on_with_it(book: Gradebook) -> None:
    grace = dataclasses.replace(ADA, student="grace")
    book.add(ADA, concluded(verdict("one")))
    book.add(grace, concluded(verdict("one")))
    book.begin(WANTED, seed=None, drawn=8, fresh=True)
    assert book.known(ADA).verdicts == {}
    book.add(ADA, concluded(verdict("one", 0, "failed")))
    book.begin(WANTED, seed=None, drawn=9)
    assert book.known(ADA).verdicts["one"].status == "failed"
    assert book.known(grace).verdicts == {}
    assert book.of(ADA).verdicts.keys() == book.of(grace).verdicts.keys() == {"one"}


def test_one_criterion_afresh_leaves_the_others_as_they_are(book: Gradebook) -> None:
    book.add(ADA, concluded(verdict("one"), verdict("two")))
    book.begin(WANTED, seed=None, drawn=8)
    assert set(book.known(ADA, afresh=("one",)).verdicts) == {"two"}
    book.add(ADA, concluded(verdict("one", 0, "failed")))
    assert set(book.known(ADA, afresh=("one",)).verdicts) == {"one", "two"}


def test_marks_say_what_could_not_be_scored_where_nothing_better_is_known(book: Gradebook) -> None:
    book.add(ADA, concluded(verdict("one"), verdict("two", 0, "not_scored")))
    book.add(ADA, concluded(verdict("one", 0, "not_scored")))
    found = book.of(ADA)
    assert {name: one.status for name, one in found.verdicts.items()} == {
        "one": "passed", "two": "not_scored",
    }


def test_files_that_could_not_be_read_hide_no_earlier_verdict(book: Gradebook) -> None:
    book.add(ADA, concluded(verdict("one")))
    book.add(dataclasses.replace(ADA, digest=""), concluded(verdict("one", 0, "not_scored")))
    found = book.of(ADA)
    assert found.verdicts["one"].status == "passed"


def test_a_finished_gradebook_takes_nothing_more(book: Gradebook) -> None:
    book.finish()
    book.add(ADA, concluded(verdict("one", 0, "failed")))
    assert book.known(ADA).verdicts == {}


def test_names_that_no_text_encodes_are_kept(book: Gradebook) -> None:
    odd = dataclasses.replace(ADA, files=("caf\udce9.py",), notes=("\x00\u202e",))
    book.add(odd, concluded(dataclasses.replace(verdict("one"), reason="\udcff")))
    assert book.unsaved == []


def test_a_grading_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    """The second verdict of a grading cannot be written: neither is the first."""
    with open_gradebook(tmp_path, print) as book:
        book.begin(WANTED, seed=None, drawn=7)
        trigger = (
            "create trigger full before insert on verdicts when new.criterion = 'two'"
            " begin select raise(abort, 'database or disk is full'); end"
        )
        other = sqlite3.connect(tmp_path / NAME)
        other.execute(trigger)
        other.commit()
        book.add(ADA, concluded(verdict("one"), verdict("two")))
        assert (book.unsaved, book.problem) == (["ada"], "database or disk is full")
        assert book.known(ADA).verdicts == {}
        other.execute("drop trigger full")
        other.commit()
        other.close()
        book.add(dataclasses.replace(ADA, student="grace"), concluded(verdict("one")))
        assert book.unsaved == []
        assert set(book.known(ADA).verdicts) == {"one", "two"}


def test_threads_lose_and_double_nothing(tmp_path: Path) -> None:
    students = [dataclasses.replace(ADA, student=f"student-{n}") for n in range(40)]
    with open_gradebook(tmp_path, print) as book:
        book.begin(WANTED, seed=None, drawn=7)
        threads = [
            threading.Thread(target=book.add, args=(student, concluded(verdict("one"))))
            for student in students
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with sqlite3.connect(tmp_path / NAME) as found:
        rows = found.execute("select student from submissions").fetchall()
    found.close()
    assert sorted(rows) == sorted((student.student,) for student in students)


def test_two_graders_do_not_work_in_one_folder(tmp_path: Path) -> None:
    with open_gradebook(tmp_path, print) as book:
        book.begin(WANTED, seed=None, drawn=7)
        other = subprocess.run(
            [sys.executable, "-c", "import sys, pathlib\n"
             "from grader.grading.gradebook_file import open_gradebook\n"
             "with open_gradebook(pathlib.Path(sys.argv[1]), print): pass", str(tmp_path)],
            capture_output=True, text=True, check=False,
        )
    assert other.returncode == 1
    assert "another grader is using this folder (process " in other.stderr
    with open_gradebook(tmp_path, print):
        pass


@pytest.mark.parametrize("damage", ["head", "middle", "not a database", "half"])
def test_a_damaged_gradebook_is_renamed_and_reported(tmp_path: Path, damage: str) -> None:
    with open_gradebook(tmp_path, print) as book:
        book.begin(WANTED, seed=None, drawn=7)
        for number in range(200):
            student = dataclasses.replace(ADA, student=f"student-{number}")
            book.add(student, concluded(FULL))
    path = tmp_path / NAME
    content = bytearray(path.read_bytes())
    match damage:
        case "head":
            content[:100] = b"\0" * 100
        case "middle":
            content[4096:-4096] = b"\xff" * (len(content) - 8192)
        case "half":
            del content[len(content) // 2 :]
        case _:
            content = bytearray(b"student,score\n" * 1000)
    path.write_bytes(content)
    said: list[str] = []
    with open_gradebook(tmp_path, said.append) as book:
        book.begin(WANTED, seed=None, drawn=8)
        assert book.known(ADA).verdicts == {}
        book.add(ADA, concluded(verdict("one")))
        assert book.unsaved == []
    assert "is damaged" in said[0]
    assert (tmp_path / "gradebook.damaged-1.sqlite").read_bytes() == bytes(content)


def test_a_gradebook_of_a_later_grader_is_left_alone(tmp_path: Path) -> None:
    later = sqlite3.connect(tmp_path / NAME)
    later.execute("pragma user_version = 99")
    later.close()
    with pytest.raises(UsageError, match="version 99"), open_gradebook(tmp_path, print):
        pass
    assert [path.name for path in tmp_path.glob("*damaged*")] == []
