"""Bulk downloads of Gradescope and Canvas become a class's folder; later ones add to it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader.cli.app import cli
from grader.errors import UsageError
from grader.submissions.discover import HandIn, discover
from grader.submissions.import_download import import_canvas, import_gradescope
from grader.submissions.roster import NAME, as_csv, read_roster
from tests.support.downloads import (
    CANVAS,
    CANVAS_GRADEBOOK,
    CANVAS_LATER,
    GRADESCOPE_LATER,
    gradescope,
    zipped,
)


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "submissions"


@pytest.fixture
def gradebook(tmp_path: Path) -> Path:
    path = tmp_path / "gradebook.csv"
    path.write_text(CANVAS_GRADEBOOK, encoding="utf-8-sig")
    return path


def by_key(folder: Path) -> dict[str, HandIn]:
    return {one.student: one for one in discover(folder)}


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_gradescope_s_download_becomes_a_class_with_groups_and_times(
    tmp_path: Path, to: Path
) -> None:
    found = import_gradescope(gradescope(tmp_path / "export.zip"), to)
    assert (found.new, found.known, found.no_files) == (3, 0, 1)   # 290 has no files
    hand_ins = by_key(to)
    together = hand_ins["Ada-Lovelace_Grace-Hopper"]
    assert together.members == ("Ada-Lovelace", "Grace-Hopper")
    assert together.submitted_at == datetime(2026, 11, 30, 22, 10, 5, tzinfo=UTC)
    assert hand_ins["alan"].owners == ("alan",)
    (file,) = (path for path in together.sources[0].iterdir())
    assert file.read_text() == "x = 301"


def test_a_roster_has_what_gradescope_knows_of_people(tmp_path: Path, to: Path) -> None:
    import_gradescope(gradescope(tmp_path / "export.zip"), to)
    roster = read_roster(to)
    assert roster is not None
    ada = roster.by_student["Ada-Lovelace"]
    assert (ada.name, ada.email, ada.sid) == ("Ada Lovelace", "ada@school.example", "17")
    assert roster.keys["ada@school.example"] == roster.keys["17"] == "Ada-Lovelace"
    groups = {one.student: one.group for one in roster.entries}
    assert groups["Grace-Hopper"] == "Ada-Lovelace_Grace-Hopper" and not groups["alan"]


def test_a_later_download_adds_attempts_and_loses_none(tmp_path: Path, to: Path) -> None:
    import_gradescope(gradescope(tmp_path / "monday.zip"), to)
    before = contents(to)
    later = gradescope(tmp_path / "tuesday.zip", GRADESCOPE_LATER, 301, 310, 303)
    found = import_gradescope(later, to)
    assert (found.new, found.known) == (1, 2)
    after = contents(to)
    assert {name: after[name] for name in before if name != NAME} == {
        name: before[name] for name in before if name != NAME
    }
    emmy = [one for one in discover(to) if "Emmy-Noether" in one.owners]
    assert [(one.attempt, one.sources[0].name) for one in emmy] == [
        (1, "Emmy-Noether_attempt1"), (2, "Emmy-Noether_attempt2"),
    ]  # fmt: skip


def test_an_earlier_download_that_comes_after_is_the_earlier_attempt(
    tmp_path: Path, to: Path
) -> None:
    import_gradescope(gradescope(tmp_path / "t.zip", GRADESCOPE_LATER, 301, 310, 303), to)
    import_gradescope(gradescope(tmp_path / "m.zip"), to)
    emmy = [one for one in discover(to) if "Emmy-Noether" in one.owners]
    assert [(one.sources[0] / "hw2.py").read_text() for one in emmy] == ["x = 302", "x = 310"]
    assert attempts(to, "Emmy-Noether") == {1: "submission_302", 2: "submission_310"}


def test_so_it_is_by_canvas_s_numbers_which_tell_no_time(tmp_path: Path, to: Path) -> None:
    import_canvas(zipped(CANVAS_LATER, tmp_path / "b.zip"), to)
    import_canvas(zipped(CANVAS, tmp_path / "a.zip"), to)
    assert attempts(to, "hoppergrace") == {1: "canvas 4503", 2: "canvas 4610 4611"}
    _, second = (one for one in discover(to) if "hoppergrace" in one.owners)
    assert sorted(path.name for path in second.sources[0].iterdir()) == ["hw2.py", "params.py"]


def attempts(folder: Path, student: str) -> dict[int, str]:
    roster = read_roster(folder)
    assert roster is not None
    return {one.attempt: one.origin for one in roster.entries if one.student == student}


@pytest.mark.parametrize("system", ["gradescope", "canvas"])
def test_importing_the_same_again_changes_not_a_byte(
    system: str, tmp_path: Path, to: Path
) -> None:
    if system == "gradescope":
        source = gradescope(tmp_path / "export.zip")
        import_gradescope(source, to)
        before = contents(to)
        assert import_gradescope(source, to).new == 0
    else:
        source = zipped(CANVAS, tmp_path / "submissions.zip")
        import_canvas(source, to)
        before = contents(to)
        assert import_canvas(source, to).new == 0
    assert contents(to) == before


def test_what_an_instructor_wrote_into_the_roster_stays(tmp_path: Path, to: Path) -> None:
    import_canvas(zipped(CANVAS, tmp_path / "a.zip"), to)
    text = (to / NAME).read_text(encoding="utf-8")
    told = text.replace("_attempt1,,late", "_attempt1,2026-12-01T08:00:00Z,late")
    assert told != text
    (to / NAME).write_text(told, encoding="utf-8")
    import_canvas(zipped(CANVAS_LATER, tmp_path / "b.zip"), to)
    first, second = (one for one in discover(to) if "hoppergrace" in one.owners)
    assert first.submitted_at == datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert second.submitted_at is None and second.marked_late


def test_canvas_s_gradebook_says_who_a_number_is_and_who_handed_in_nothing(
    tmp_path: Path, to: Path, gradebook: Path
) -> None:
    found = import_canvas(zipped(CANVAS, tmp_path / "submissions.zip"), to, gradebook)
    assert [one.student for one in found.roster.people] == [
        "lovelaceada", "hoppergrace", "noetheremmy",
    ]  # fmt: skip
    ada = found.roster.by_student["lovelaceada"]
    assert (ada.name, ada.canvas_id, ada.sid, ada.section) == (
        "Ada Lovelace", "123", "s11", "ESE 546-001",
    )  # fmt: skip
    assert {one.student for one in found.roster.entries} == {"lovelaceada", "hoppergrace"}
    assert sorted(by_key(to)) == ["hoppergrace", "lovelaceada"]


def test_canvas_s_numbered_files_are_a_new_attempt_under_their_own_names(
    tmp_path: Path, to: Path
) -> None:
    import_canvas(zipped(CANVAS, tmp_path / "a.zip"), to)
    assert import_canvas(zipped(CANVAS_LATER, tmp_path / "b.zip"), to).new == 1
    first, second = (one for one in discover(to) if "hoppergrace" in one.owners)
    assert [path.name for path in first.sources[0].iterdir()] == ["hw2.py"]
    assert sorted(path.name for path in second.sources[0].iterdir()) == ["hw2.py", "params.py"]


def test_canvas_says_late_and_no_time_and_the_instructor_is_told(tmp_path: Path, to: Path) -> None:
    source = zipped(CANVAS, tmp_path / "submissions.zip")
    ran = CliRunner().invoke(cli, ["import", "canvas", str(source), "--to", str(to)],
                             standalone_mode=False)
    assert ran.return_value == 0
    assert "2 new, 0 already there: 2 of 2 students" in ran.stdout
    assert "Canvas marks 1 submission as late but gives no submission time" in ran.stderr
    assert "hoppergrace" in ran.stderr


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_links_are_not_followed_out_of_a_download(tmp_path: Path, to: Path) -> None:
    folder = tmp_path / "export"
    (folder / "submission_303").mkdir(parents=True)
    text = "submission_303:\n  :submitters:\n  - :name: A\n"
    (folder / "submission_metadata.yml").write_text(text)
    (folder / "submission_303" / "hw2.py").symlink_to("/etc/passwd")
    os.mkfifo(folder / "submission_303" / "pipe")
    found = import_gradescope(folder, to)
    assert sorted(found.left_out) == ["hw2.py", "pipe"]
    assert list((to / "A_attempt1").iterdir()) == []


def test_a_file_of_an_archive_that_leads_out_is_left_out_and_named(
    tmp_path: Path, to: Path
) -> None:
    source = zipped(CANVAS | {"../../x.py": "x"}, tmp_path / "export.zip")
    assert import_canvas(source, to).left_out == ("../../x.py",)
    assert not list(tmp_path.rglob("x.py"))


def test_an_archive_that_cannot_be_read_is_told_with_what_to_do(tmp_path: Path, to: Path) -> None:
    (tmp_path / "export.zip").write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(UsageError, match=r"not unpacked: .*damaged.*import the folder"):
        import_canvas(tmp_path / "export.zip", to)
    assert not to.exists()


def test_what_is_no_download_is_an_error_that_says_what_was_expected(
    tmp_path: Path, to: Path
) -> None:
    plain = zipped({"hw2.py": "x = 1"}, tmp_path / "a.zip")
    with pytest.raises(UsageError, match=r"no submission_metadata\.yml"):
        import_gradescope(plain, to)
    with pytest.raises(UsageError, match="named as this system names submissions"):
        import_canvas(plain, to)
    to.mkdir()
    (to / "mine.py").write_text("x = 1")
    with pytest.raises(UsageError, match=r"holds files but no roster\.csv"):
        import_canvas(zipped(CANVAS, tmp_path / "b.zip"), to)


def test_a_name_that_a_spreadsheet_would_run_is_written_as_text_and_read_back(
    tmp_path: Path, to: Path
) -> None:
    metadata = "submission_1:\n  :submitters:\n  - :name: '=HYPERLINK(1)'\n    :email: a@b.c\n"
    import_gradescope(gradescope(tmp_path / "e.zip", metadata, 1), to)
    text = (to / NAME).read_text(encoding="utf-8")
    assert ",'=HYPERLINK(1)," in text
    roster = read_roster(to)
    assert roster is not None and roster.people[0].name == "=HYPERLINK(1)"
    assert as_csv(roster).encode() == (to / NAME).read_bytes()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("ada,1,x,yesterday", r"roster.csv:2: submitted_at: found 'yesterday'"),
        ("ada,1,x,2026-12-01T08:00:00", r"expected a time with its offset"),
        ("ada,one,x,", r"roster.csv:2: attempt: found 'one'"),
        (",1,x,", r"roster.csv:2: no student"),
        ("ada,1,x,,more", r"roster.csv:2: more fields"),
    ],
)
def test_mistakes_in_a_roster_have_their_line(to: Path, row: str, said: str) -> None:
    to.mkdir()
    (to / NAME).write_text(f"student,attempt,folder,submitted_at\n{row}\n")
    with pytest.raises(UsageError, match=said):
        discover(to)
