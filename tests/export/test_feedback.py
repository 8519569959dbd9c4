"""Feedback reaches the student whom it is for, in the form that each system takes, and nobody else.

Names, titles and addresses come from students and other systems, so none is trusted.
"""

from __future__ import annotations

import email
import email.utils
import json
import mailbox
import os
import zipfile
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email import policy
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader.cli.app import cli
from grader.errors import UsageError
from grader.grading.points import grade
from grader.reports.grades_file import GradesWriter
from grader.run.results_folder import keep_roster
from grader.submissions.discover import discover
from grader.submissions.import_download import import_canvas, import_gradescope
from grader.submissions.roster import NAME, Entry, Person, Roster, as_csv
from tests.factories import criterion, rubric, submission, verdict, write_files

RUBRIC = rubric(criterion(points=4), title="Homework 2", cap=4)


def results(out: Path, keys: Iterable[str], waiting: Iterable[str] = ()) -> Path:
    """A results folder in which each student's page has their own key in it."""
    marks = GradesWriter(RUBRIC)
    for key in (*keys, *waiting):
        given = verdict(status="needs_marking") if key in waiting else verdict()
        marks.add(grade(RUBRIC, submission(key), [given]))
        write_files(out / "feedback", {f"{key}.html": f"<p>for {key}", f"{key}.md": f"for {key}"})
    marks.write(out)
    return out


def exported(out: Path, whom: str, to: Path, *more: str) -> tuple[str, int]:
    arguments = ["export", "feedback", "--out", str(out), "--for", whom, "--to", str(to), *more]
    ran = CliRunner().invoke(cli, arguments, standalone_mode=False, catch_exceptions=False)
    if ran.exception:
        raise ran.exception
    return ran.stderr, ran.return_value


def in_zip(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


DOWNLOAD = {
    "marshnilo_12_1002_hw1.py": "x", "marshnilo_LATE_13_1003_hw1-1.py": "x",
    "valeorrin_11_1001_hw1.py": "x",
}  # fmt: skip
KEYS = ("marshnilo", "marshnilo-2", "valeorrin")
BACK = {
    "marshnilo_12_1002_hw1.py.html": "<p>for marshnilo",
    "marshnilo_LATE_13_1003_hw1-1.py.html": "<p>for marshnilo-2",
    "valeorrin_11_1001_hw1.py.html": "<p>for valeorrin",
}  # fmt: skip


def test_canvas_gets_the_names_of_its_own_download_and_namesakes_their_own_page(
    tmp_path: Path,
) -> None:
    download, class_ = write_files(tmp_path / "download", DOWNLOAD), tmp_path / "class"
    import_canvas(download, class_)
    for number, folder in enumerate((class_, download)):   # imported, and graded as it is
        out = results(tmp_path / f"results{number}", KEYS)
        keep_roster(folder, discover(folder), out)
        said, code = exported(out, "canvas", tmp_path / "back.zip")
        assert in_zip(tmp_path / "back.zip") == BACK
        assert code == 0 and "wrote feedback for 3 students" in said


def test_canvas_finds_a_student_by_numbers_if_an_older_roster_has_no_file_names(
    tmp_path: Path,
) -> None:
    out = results(tmp_path, ["vale", "brock", "pia", "99"])
    people = (Person("vale", canvas_id="11"), Person("brock", canvas_id="14"), Person("pia"),
              Person("99", canvas_id="16"))
    entries = (
        Entry("vale", 1, "a", origin="canvas 1001"), Entry("vale", 2, "b", late=True,
                                                           origin="canvas 1007 1008"),
        Entry("brock", 1, "c", origin="canvas-entry 0a1b"), Entry("pia", 1, "d", origin="canvas 3"),
        Entry("99", 1, "e", origin="canvas 1009"),
    )  # fmt: skip
    (out / NAME).write_text(as_csv(Roster(people, entries)), encoding="utf-8")
    said, code = exported(out, "canvas", tmp_path / "back.zip")
    assert in_zip(tmp_path / "back.zip") == {
        "vale_LATE_11_1007_feedback.html": "<p>for vale",
        "student99_16_1009_feedback.html": "<p>for 99",   # two numbers count, and 99 is a name
    }
    assert "2 students left out, because Canvas takes a page only beside a file" in said
    assert "brock, pia" in said and code == 1


@pytest.mark.parametrize(
    "name", ["../../vale_11_1001_x.py", "/vale_11_1001_x.py", "..\\vale_11_1001_x.py"]
)
def test_a_name_in_the_roster_leads_to_no_other_folder(tmp_path: Path, name: str) -> None:
    out = results(tmp_path, ["vale"])
    entry = Entry("vale", 1, "a", origin="canvas 1001", download=name)
    (out / NAME).write_text(as_csv(Roster((Person("vale", canvas_id="11"),), (entry,))))
    exported(out, "canvas", tmp_path / "back.zip")
    assert list(in_zip(tmp_path / "back.zip")) == ["vale_11_1001_x.py.html"]


@pytest.mark.parametrize(("name", "sent"), [
    ("vale_11_1001_" + "é" * 120 + ".py", "vale_11_1001_" + "é" * 113 + ".html"),
    ("vale_12_1001_x.py", None),   # another student's number
    ("vale_11_1001_x.html", "vale_11_1001_x.html.html"), ("-v_11_1001_x", "-v_11_1001_x.html"),
])  # fmt: skip
def test_a_page_goes_to_its_student_s_number_under_a_name_that_every_system_takes(
    tmp_path: Path, name: str, sent: str | None
) -> None:
    out = results(tmp_path, ["vale"])
    entry = Entry("vale", 1, "a", origin="canvas 1001", download=name)
    (out / NAME).write_text(as_csv(Roster((Person("vale", canvas_id="11"),), (entry,))))
    exported(out, "canvas", tmp_path / "back.zip")
    assert list(in_zip(tmp_path / "back.zip")) == ([] if sent is None else [sent])


@pytest.mark.parametrize("key", ["../ada", "a/b", "..", "a\\b"])
def test_a_key_that_is_no_file_name_is_an_error(tmp_path: Path, key: str) -> None:
    out = results(tmp_path, ["ada"])
    text = (out / "grades.json").read_text().replace('"ada"', json.dumps(key))
    (out / "grades.json").write_text(text)
    with pytest.raises(UsageError, match="is no file name"):
        exported(out, "folder", tmp_path / "to")


def test_gradescope_has_a_folder_for_each_of_its_submissions(tmp_path: Path) -> None:
    metadata = """\
submission_201:
  :submitters:
  - :name: Ada
    :email: ada@x.example
  - :name: Grace
    :email: grace@x.example
submission_202:
  :submitters:
  - :name: Emmy
    :email: emmy@x.example
"""
    source = write_files(tmp_path / "export", {
        "submission_metadata.yml": metadata, "submission_201/hw.py": "x",
        "submission_202/hw.py": "x",
    })  # fmt: skip
    import_gradescope(source, tmp_path / "class")
    out, to = results(tmp_path / "results", ["Ada", "Emmy", "Grace", "stranger"]), tmp_path / "to"
    keep_roster(tmp_path / "class", [], out)
    exported(out, "gradescope", to)
    assert sorted(str(path.relative_to(to)) for path in to.rglob("*.*")) == [
        "stranger/results.json", "stranger/stranger.html",
        "submission_201/Ada.html", "submission_201/Grace.html", "submission_201/results.json",
        "submission_202/Emmy.html", "submission_202/results.json",
    ]  # fmt: skip
    assert json.loads((to / "submission_202/results.json").read_text())["score"] == 4


def test_a_score_that_waits_is_no_number_in_gradescope(tmp_path: Path) -> None:
    out, to = results(tmp_path / "results", ["ada"], waiting=["grace"]), tmp_path / "to"
    exported(out, "gradescope", to, "--unfinished")
    assert sorted(str(path.relative_to(to)) for path in to.rglob("*.*")) == [
        "ada/ada.html", "ada/results.json", "grace/grace.html",
    ]  # fmt: skip


def test_a_folder_for_each_student_has_the_page_in_both_forms(tmp_path: Path) -> None:
    out, to = results(tmp_path / "results", ["ada", "grace"]), tmp_path / "to"
    exported(out, "folder", to)
    assert sorted(str(path.relative_to(to)) for path in to.rglob("*.*")) == [
        "ada/feedback.html", "ada/feedback.md", "grace/feedback.html", "grace/feedback.md",
    ]  # fmt: skip
    assert (to / "grace/feedback.html").read_text() == "<p>for grace"


def test_a_page_waits_until_the_score_is_known_unless_it_is_asked_for(tmp_path: Path) -> None:
    out = results(tmp_path / "results", ["ada"], waiting=["grace"])
    said, code = exported(out, "folder", tmp_path / "some")
    assert [path.name for path in (tmp_path / "some").iterdir()] == ["ada"] and code == 0
    assert "1 student left out, because part of the score is not known yet" in said
    exported(out, "folder", tmp_path / "all", "--unfinished")
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["ada", "grace"]


@pytest.mark.parametrize("whom", ["folder", "gradescope", "email"])
def test_nothing_of_an_earlier_export_is_left_beside_a_new_one(tmp_path: Path, whom: str) -> None:
    out, to = mailed(tmp_path), tmp_path / "to"
    exported(out, whom, to)
    results(out, ["zoe"], waiting=["ada"])   # somebody looks at ada's answer again
    with pytest.raises(UsageError, match="exists already"):
        exported(out, whom, to)


@pytest.mark.parametrize(
    ("due_in", "visibility", "refused"),
    [(-1, "after_due", True), (1, "after_due", False), (-1, "visible", False),
     (-3, "after_due", False)],
)  # fmt: skip
def test_a_page_from_before_the_due_date_is_not_given_out_after_it(
    tmp_path: Path, due_in: int, visibility: str, refused: bool
) -> None:
    out = results(tmp_path / "results", ["ada"])
    now = datetime.now(UTC)
    text = json.loads((out / "grades.json").read_text())
    text["due"] = (now + timedelta(days=due_in)).isoformat()
    text["rubric"]["criteria"][0]["visibility"] = visibility
    (out / "grades.json").write_text(json.dumps(text))
    written = (now - timedelta(days=2)).timestamp()
    os.utime(out / "feedback" / "ada.html", (written, written))
    if not refused:
        assert exported(out, "folder", tmp_path / "to")[1] == 0
        return
    with pytest.raises(UsageError, match=r"1 page .* `grader mark --apply"):
        exported(out, "folder", tmp_path / "to")


def test_a_missing_page_is_an_error_that_says_how_to_write_it(tmp_path: Path) -> None:
    out = results(tmp_path / "results", ["ada"])
    (out / "feedback" / "ada.html").unlink()
    with pytest.raises(UsageError, match="grader mark --apply"):
        exported(out, "folder", tmp_path / "to")


CLASS = Roster((
    Person("ada", "Ada Lovelace", "ada@x.example"),
    Person("zoe", "Zoë, \"Z\" Brock <evil@x.example>", "", "", "zoe@x.example"),
    Person("eve", "Eve\r\nBcc: all@x.example", "eve@x.example"),
    Person("mal", "Mal", "mal@x.example\nBcc: all@x.example"),
    Person("two", "Two", "a@x.example, b@x.example"),
    Person("none", "None", "", "", "login"),
))  # fmt: skip


def mailed(tmp_path: Path) -> Path:
    out = results(tmp_path / "results", [one.student for one in CLASS.people])
    (out / NAME).write_text(as_csv(CLASS), encoding="utf-8")
    return out


def test_each_student_gets_one_message_with_their_page_and_no_one_else_s_address(
    tmp_path: Path,
) -> None:
    out, to = mailed(tmp_path), tmp_path / "mail"
    said, code = exported(out, "email", to, "--from", "Kim <kim@x.example>")
    found = {path.stem: email.message_from_bytes(path.read_bytes(), policy=policy.default)
             for path in to.iterdir()}
    assert {key: [one.addr_spec for one in message["To"].addresses]
            for key, message in found.items()} == {
        "ada": ["ada@x.example"], "zoe": ["zoe@x.example"], "eve": ["eve@x.example"],
    }  # fmt: skip
    for key, message in found.items():
        assert message["Bcc"] is None and len(message["To"].addresses) == 1
        assert message["From"] == "Kim <kim@x.example>"
        assert message["Subject"] == "Feedback on Homework 2"
        (attached,) = message.iter_attachments()
        assert attached.get_content().strip() == f"<p>for {key}"
    assert "3 students left out" in said and "mal, none, two" in said and code == 1


HEADERS = ["To", "From", "Subject", "Date", "X-Unsent", "MIME-Version", "Content-Type"]


@pytest.mark.parametrize("name", [
    "=?utf-8?q?Eve=0D=0ABcc:_all=40x.example?=",
    "=?utf-8?b?RXZlDQpCY2M6IGFsbEB4LmV4YW1wbGU=?=",
    "Eve =?us-ascii?Q?=0ATo:_all=40x.example?= Brock", "Eve <all@x.example>, \"B\"",
    "\\", "\u202eeve\x00\x1b[31m", "é" * 90, "Zoë Müller", "Ada Lovelace",
])  # fmt: skip
def test_no_name_in_any_coding_makes_a_header_or_a_second_recipient(
    tmp_path: Path, name: str
) -> None:
    out, people = mailed(tmp_path), (Person("ada", name, "ada@x.example"),)
    (out / NAME).write_text(as_csv(Roster(people)), encoding="utf-8")
    for sender in ("kim@x.example", f"{name.replace('<', '').replace('>', '')} <kim@x.example>"):
        exported(out, "email", tmp_path / "mail.mbox", "--from", sender)
        with closing(mailbox.mbox(tmp_path / "mail.mbox")) as box:
            (sent,) = (email.message_from_bytes(one.as_bytes(), policy=policy.default)
                       for one in box)
        assert sorted(sent.keys()) == sorted(HEADERS)
        assert [one.addr_spec for one in sent["To"].addresses] == ["ada@x.example"]
        assert [one.addr_spec for one in sent["From"].addresses] == ["kim@x.example"]


@pytest.mark.parametrize(("address", "valid"), [
    ("a..b@x.example", False), (".ada@x.example", False), ("ada.@x.example", False),
    ("ada@localhost", False), ("a" * 300 + "@x.example", False),
    ("ada.l+hw=2@x.example", True), ("O'Neil@cis.x.example", True),
])  # fmt: skip
def test_an_address_that_no_mail_program_takes_costs_its_owner_s_message_and_no_other(
    tmp_path: Path, address: str, valid: bool
) -> None:
    out = results(tmp_path / "results", ["ada", "zoe"])
    people = Person("ada", "Ada", address), Person("zoe", "Zoë", "zoe@x.example")
    (out / NAME).write_text(as_csv(Roster(people)), encoding="utf-8")
    _, code = exported(out, "email", tmp_path / "mail")
    assert ("ada.eml" in {one.name for one in (tmp_path / "mail").iterdir()}) == valid
    assert (tmp_path / "mail" / "zoe.eml").is_file() and code == (0 if valid else 1)


def test_two_students_with_one_address_do_not_get_each_other_s_marks(tmp_path: Path) -> None:
    out = results(tmp_path / "results", ["ada", "eve", "zoe"])
    people = (Person("ada", "Ada", "ada@x.example"), Person("eve", "Eve", "Ada@X.example"),
              Person("zoe", "Zoë", "zoe@x.example"))
    (out / NAME).write_text(as_csv(Roster(people)), encoding="utf-8")
    said, code = exported(out, "email", tmp_path / "mail")
    assert [one.name for one in (tmp_path / "mail").iterdir()] == ["zoe.eml"]
    assert "no valid address of their own for them: ada, eve" in said and code == 1


def test_an_mbox_has_a_message_for_each_student(tmp_path: Path) -> None:
    to = tmp_path / "mail.mbox"
    for _ in range(2):   # a second export replaces the first
        exported(mailed(tmp_path), "email", to)
    with closing(mailbox.mbox(to)) as box:
        assert [email.utils.parseaddr(message["To"])[1] for message in box] == [
            "ada@x.example", "eve@x.example", "zoe@x.example",
        ]  # fmt: skip


def test_a_sender_that_is_no_address_is_an_error(tmp_path: Path) -> None:
    for wrong in ("Kim", "kim@x.example\nBcc: a@x.example", "a@x.example, b@x.example"):
        with pytest.raises(UsageError, match="expected an address"):
            exported(mailed(tmp_path), "email", tmp_path / "mail", "--from", wrong)
    with pytest.raises(UsageError, match="--for email"):
        exported(mailed(tmp_path), "folder", tmp_path / "to", "--from", "kim@x.example")
