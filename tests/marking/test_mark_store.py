"""Several people add to one gradebook at once, and nothing in it is ever changed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from grader.errors import GraderError, UsageError
from grader.grading import gradebook_file
from grader.grading.gradebook_file import NAME, VERSION, open_gradebook
from grader.grading.marks import Mark
from grader.marking.mark_store import SavedComment, open_marks
from grader.marking.new_marks import Conflict, NewMark
from grader.records import Concluded, Submission, Verdict
from tests.marking.classroom import ROOT, Classroom, answer_of

MARKER = """
import sys
from pathlib import Path
from grader.marking.mark_store import open_marks
from grader.grading.marks import Mark
with open_marks(Path(sys.argv[1])) as store:
    for number in range(25):
        with store.adding() as add:
            add(Mark("noether", "written-a", "x", sys.argv[2], points=1, max=2, seen=number))
"""


def rows(folder: Path, table: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / NAME)) as file:
        return file.execute(f"select * from {table} order by rowid").fetchall()


def test_marks_of_several_processes_at_once_are_all_kept(room: Classroom) -> None:
    """The gradebook is an old one, so the first processes also have to update it."""
    with closing(sqlite3.connect(room.results / NAME)) as file:
        file.executescript("drop table marks; drop table comments; pragma user_version = 2;")
    markers = [
        subprocess.Popen([sys.executable, "-c", MARKER, str(room.results), name], cwd=ROOT)
        for name in ("ada", "grace", "emmy")
    ]
    assert [one.wait(timeout=60) for one in markers] == [0, 0, 0]
    with open_marks(room.results) as store:
        found = store.marks()
    assert len(found) == 75
    assert {one.marker for one in found} == {"ada", "grace", "emmy"}
    with closing(sqlite3.connect(room.results / NAME)) as file:
        assert file.execute("pragma user_version").fetchone() == (VERSION,)


def test_a_run_and_a_marker_write_at_the_same_time(room: Classroom) -> None:
    submission = Submission("noether", Path("noether"), Path("noether"), (), "digest")
    with open_gradebook(room.results, print) as book:
        book.begin({"written-a": "x"}, seed=None, drawn=1)
        words = [sys.executable, "-c", MARKER, str(room.results), "ada"]
        marker = subprocess.Popen(words, cwd=ROOT)
        count = 0
        while marker.poll() is None or count < 50:
            verdict = Verdict("written-a", "failed", 0.0, str(count))
            book.add(submission, Concluded({"written-a": verdict}))
            count += 1
            time.sleep(0.02)
        assert book.unsaved == []
    assert marker.wait() == 0
    assert len(rows(room.results, "marks")) == 25
    with closing(sqlite3.connect(room.results / NAME)) as file:
        query = "select count(*) from verdicts where fingerprint = 'x'"
        assert file.execute(query).fetchone() == (count,)


def test_a_gradebook_that_cannot_be_brought_up_stays_as_it_was(
    room: Classroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulates a disk that fills up in the middle of the update."""
    with monkeypatch.context() as later:
        broken = "create table one (id integer); create nonsense"
        later.setattr(gradebook_file, "TABLES", (*gradebook_file.TABLES, broken))
        later.setattr(gradebook_file, "VERSION", VERSION + 1)
        with pytest.raises(UsageError, match="cannot be opened"), open_marks(room.results):
            pass
    with closing(sqlite3.connect(room.results / NAME)) as file:
        assert file.execute("select * from sqlite_master where name = 'one'").fetchall() == []
    room.mark("noether", "written-a", 1)


def test_nothing_that_is_done_changes_a_row(room: Classroom) -> None:
    answer = room.mark("noether", "written-a", 1)
    with room.service() as service:
        old = service.store.add_comment(SavedComment("written-a", "No place.", -0.5, "ada"))
    kept = {name: rows(room.results, name) for name in ("marks", "comments", "verdicts")}
    room.mark("noether", "written-a", 2)
    with room.service() as service:
        service.dispute(answer, "grace", "Hm.", 0)
        service.store.add_comment(
            SavedComment("written-a", "Where?", -0.25, "ada", replaces=old.number)
        )
    room.run("--fresh")
    for name, before in kept.items():
        assert rows(room.results, name)[: len(before)] == before


def test_a_comment_that_is_changed_is_another_from_now_on_and_one_without_text_is_gone(
    room: Classroom,
) -> None:
    with open_marks(room.results) as store:
        first = store.add_comment(SavedComment("written-a", "No place.", -0.5, "ada"))
        assert [one.text for one in store.comments("written-a")] == ["No place."]
        assert store.comments("written-b") == []
        other = store.add_comment(SavedComment("written-a", "Where?", -0.25, "ada", first.number))
        left = store.comments("written-a")
        assert [(one.text, one.points) for one in left] == [("Where?", -0.25)]
        store.add_comment(SavedComment("written-a", "", 0, "ada", other.number))
        assert store.comments("written-a") == []


def test_many_marks_are_kept_as_a_whole_or_not_at_all(room: Classroom) -> None:
    room.mark("hopper", "written-a", 1)
    with room.service() as service:
        marks = [
            (answer_of(service, student, "written-a"), "grace", NewMark(2), 0)
            for student in ("noether", "hopper")
        ]
        with pytest.raises(Conflict, match="was marked by ada"):
            service.mark_all(marks)
        assert [one.marker for one in service.store.marks()] == ["ada"]


def test_a_mark_that_cannot_be_written_is_said_to_be_lost(room: Classroom) -> None:
    with room.service() as service, closing(sqlite3.connect(room.results / NAME)) as file:
        answer = answer_of(service, "noether", "written-a")
        file.executescript(
            "create trigger full before insert on marks begin select raise(fail, 'disk full'); end"
        )
        with pytest.raises(GraderError, match=r"not saved.*disk full"):
            service.mark(answer, "ada", NewMark(1), 0)


def test_a_number_is_never_given_twice(room: Classroom) -> None:
    with open_marks(room.results) as store, store.adding() as add:
        first = add(Mark("noether", "written-a", "x", "ada"))
        second = add(Mark("noether", "written-a", "x", "ada"))
    assert first.number < second.number
