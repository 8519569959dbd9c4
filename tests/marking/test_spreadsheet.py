"""Marking in a spreadsheet: what goes out comes back, or nothing of it does."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from grader.errors import UsageError
from tests.marking.classroom import Classroom, command, hand_in

Capture = pytest.CaptureFixture[str]


def written(room: Classroom, *more: str) -> list[dict[str, str]]:
    """The rows that --csv-out writes."""
    path = room.folder / "marks.csv"
    assert command("mark", "--out", room.results, "--marker", "ada", "--csv-out", path, *more) == 0
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


def filled(room: Classroom, rows: list[dict[str, str]], *, separator: str = ",",
           encoding: str = "utf-8-sig", first: str = "") -> Path:
    """The rows as a spreadsheet saves them."""
    path, text = room.folder / "marks.csv", io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(first + text.getvalue(), encoding=encoding, newline="")
    return path


def read(room: Classroom, path: Path, marker: str = "ada") -> None:
    assert command("mark", "--out", room.results, "--marker", marker, "--csv-in", path) == 0


def refusal(room: Classroom, path: Path) -> str:
    before = marks(room)
    with pytest.raises(UsageError) as error:
        read(room, path)
    assert marks(room) == before, "all or nothing"
    return str(error.value)


def marks(room: Classroom) -> int:
    with room.service() as service:
        return len(service.store.marks())


def test_a_row_for_each_answer_that_waits_without_names(room: Classroom) -> None:
    rows = written(room)
    # Eight have (a), six (b) and a PDF for it, and eight the code that a check was in doubt of.
    assert [sum(row["criterion"] == name for row in rows)
            for name in ("written-a", "written-b", "groups", "always")] == [8, 7, 8, 0]
    text = (room.folder / "marks.csv").read_text(encoding="utf-8-sig")
    assert [path.name for path in room.hand_ins.iterdir() if path.name in text] == []
    assert any("answers/" in row["answer"] and row["answer"].endswith(".pdf") for row in rows)
    room.mark("noether", "written-a", 1)
    assert len(written(room)) == len(rows) - 1


def test_names_are_a_column_where_they_are_asked_for(room: Classroom) -> None:
    assert "noether" in {row["student"] for row in written(room, "--names")}


@pytest.mark.parametrize(
    ("separator", "encoding", "first", "points"),
    [
        (",", "utf-8-sig", "", "1.5"),
        (";", "utf-8-sig", "", "1,5"),
        (";", "utf-8", "sep=;\r\n", "1,5"),
        ("\t", "utf-16", "", "1.5"),
        (",", "utf-8", "", " 1.50 "),
    ],
    ids=["as written", "Excel in Germany", "with Excel's own line", "Unicode text", "by hand"],
)  # fmt: skip
def test_what_comes_back_is_in_the_grades(
    room: Classroom, separator: str, encoding: str, first: str, points: str
) -> None:
    rows = written(room)
    for row in rows:
        if row["criterion"] == "written-a":
            row |= {"points": points, "comment": "Gründlich; sehr schön, \"ja\"."}
    rows.reverse()
    read(room, filled(room, rows, separator=separator, encoding=encoding, first=first))
    for student in ("noether", "lamport", "wing"):
        row = room.grades()[student]["written-a"]
        assert row["points"] == 1.5
        assert row["reason"].startswith("Gründlich; sehr schön, \"ja\".")
    assert room.grades()["noether"]["written-b"]["points"] is None


def test_the_same_file_read_twice_adds_nothing(room: Classroom) -> None:
    rows = written(room)
    rows[0] |= {"points": "1", "comment": "Good."}
    path = filled(room, rows)
    read(room, path)
    read(room, path)
    assert marks(room) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"points": "two"}, "points: found 'two'; expected a number from 0 to"),
        ({"points": "-1"}, "points: found '-1'"),
        ({"points": "nan"}, "points: found 'nan'"),
        ({"points": "1e0"}, "points: found '1e0'"),
        ({"points": "99"}, "99 points: give 0 to"),
        ({"points": "1.3"}, "in steps of 0.25"),
        ({"points": "", "comment": "x"}, "points: missing beside a comment"),
        ({"points": "1", "id": "0123456789abcdef"}, "there is no answer 0123456789abcdef"),
        ({"points": "1", "criterion": "other"}, "there is no answer"),
        ({"points": "1", "version": "0"}, "submitted another answer"),
        ({"points": "1", "comment": "x" * 5000}, "more than 4,000"),
    ],
)
def test_a_row_that_is_wrong_is_named_with_its_line_and_none_is_kept(
    room: Classroom, change: dict[str, str], said: str
) -> None:
    rows = written(room)
    rows[0] |= {"points": "1", "comment": "on\ntwo lines"}
    line = 2 + rows[0]["answer"].count("\n") + 1 + 1
    rows[1] |= change
    found = refusal(room, filled(room, rows))
    assert f"marks.csv:{line}: " in found
    assert said in found
    assert "No mark of this file was stored" in found


def test_every_row_that_is_wrong_is_named_at_once(room: Classroom) -> None:
    rows = written(room)
    for row in rows[:3]:
        row["points"] = "x"
    assert refusal(room, filled(room, rows)).count("points: found 'x'") == 3


def test_what_was_marked_meanwhile_is_reported_and_not_written_over(room: Classroom) -> None:
    rows = written(room, "--names")
    room.mark("noether", "written-a", 2, marker="grace")
    for row in rows:
        if row["criterion"] == "written-a":
            row["points"] = "1"
    found = refusal(room, filled(room, rows))
    assert "was marked by grace" in found
    assert found.count("marks.csv:") == 1


def test_what_was_handed_in_anew_is_reported(room: Classroom) -> None:
    rows = written(room, "--names")
    hand_in(room, "noether", "## (a)\nAnother answer.\n")
    room.run()
    for row in rows:
        if (row["student"], row["criterion"]) == ("noether", "written-a"):
            row["points"] = "1"
    assert "submitted another answer" in refusal(room, filled(room, rows))


def test_an_answer_that_stands_twice_is_refused(room: Classroom) -> None:
    rows = written(room)
    rows[0]["points"] = "1"
    assert "the same answer is also in line 2" in refusal(room, filled(room, [rows[0], rows[0]]))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "marks.csv:1: no column 'id'; expected the file that --csv-out wrote"),
        (b"id,points\n1,2\n", "marks.csv:1: no column 'criterion'"),
        (b"id,criterion,points,comment,version,points\n", "2 columns 'points'; keep one"),
        (b"PK\x03\x04\x14\x00\x06\x00", "not a CSV file; save it as 'CSV UTF-8'"),
        (b'id,criterion,points,comment,version\n"1,2', "not a valid CSV file"),
    ],
)  # fmt: skip
def test_what_is_no_such_file_is_named(room: Classroom, content: bytes, said: str) -> None:
    path = room.folder / "marks.csv"
    path.write_bytes(content)
    assert said in refusal(room, path)


def test_no_answer_is_a_formula_in_a_spreadsheet(room: Classroom) -> None:
    hand_in(room, "noether", "## (a)\n=HYPERLINK(\"http://192.0.2.1\";\"x\")\n+1;=2\n")
    room.run()
    answers = [row["answer"] for row in written(room) if "HYPERLINK" in row["answer"]]
    assert answers
    for line in answers[0].splitlines():
        assert line.startswith("'")
        assert ";=" not in line


def test_one_thing_at_a_time(room: Classroom) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        command("mark", "--out", room.results, "--apply", "--csv-out", room.folder / "x.csv")
