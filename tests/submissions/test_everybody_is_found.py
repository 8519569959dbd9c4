"""Whatever lies in a class folder is somebody's, and nobody is taken for somebody else."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pytest

from grader.cli.app import cli
from grader.grading.attempts import attempts_of
from grader.rubric.class_lists import read_groups
from grader.submissions.discover import HandIn, discover, left_out
from grader.submissions.enrolment import enrol
from grader.submissions.gradescope import METADATA
from grader.submissions.import_download import import_canvas, import_gradescope
from grader.submissions.prepare import prepare_trusted as prepare
from grader.submissions.roster import NAME, Roster, read_roster
from tests.factories import criterion, rubric, write_files
from tests.support.downloads import gradescope, zipped

ONE, TWO = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))


def found(folder: Path) -> dict[str, list[str]]:
    """The names of the sources of each hand-in."""
    return {one.student: [path.name for path in one.sources] for one in discover(folder)}


def in_class(tmp_path: Path, *names: str, roster: str = "") -> Path:
    files: Mapping[str, str | bytes] = dict.fromkeys(names, "x = 1")
    return write_files(tmp_path / "class", {**files, **({NAME: roster} if roster else {})})


def by_key(folder: Path) -> dict[str, HandIn]:
    return {one.student: one for one in discover(folder)}


# Every entry ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["iris.pdf", "juno.docx", "kito.py.txt", "lior.ipynb.txt", "mina.gz", "nell.html", "OLA.PY",
     "pia", "quin.rar", "rex.txt", "sam.ipynb.json", "tess.pages", "uma.py.download", "vic.R",
     "wes.url", "xi_hw1.docx", "yan_14_1002_hw1.docx", "zed_14_text.html", "amy_LATE_14_link.html"],
)  # fmt: skip
def test_every_file_is_somebody_s_whatever_it_is(name: str, tmp_path: Path) -> None:
    folder = in_class(tmp_path, "orrin.py", name)
    hand_ins = {one.student.casefold(): one for one in discover(folder)}
    assert set(hand_ins) == {"orrin", name.partition("_")[0].partition(".")[0].casefold()}
    for one in hand_ins.values():
        assert prepare(one, tmp_path / "w").refused is None or name == "quin.rar"


def test_an_empty_folder_is_somebody_s(tmp_path: Path) -> None:
    folder = in_class(tmp_path, "orrin.py")
    (folder / "pia").mkdir()
    assert found(folder) == {"orrin": ["orrin.py"], "pia": ["pia"]}


def test_files_of_systems_are_named_and_are_nobody_s(tmp_path: Path) -> None:
    odd = [".DS_Store", ".orrin.py.swp", "._orrin.py", "Thumbs.db", "desktop.ini", "README.py",
           "~$juno.docx"]
    folder = in_class(tmp_path, "orrin.py", *odd, "README.md", "expected.yaml",
                      "__MACOSX/x", "__pycache__/x.pyc", roster="student\norrin\n")
    assert found(folder) == {"orrin": ["orrin.py"]}
    assert left_out(folder) == sorted([*odd, "__MACOSX", "__pycache__"])


def test_reports_belong_to_the_work_of_the_same_name(tmp_path: Path) -> None:
    folder = in_class(
        tmp_path, "ada.docx", "ada.ipynb", "ada.pdf", "bob/hw.py", "bob.pdf", "cy.zip", "cy.txt",
        "dan_attempt2.pdf", "dan_attempt2.py", "dan.py", "eve.docx", "eve.pdf", "fay_hw1.py",
        "fay.docx",
    )  # fmt: skip
    assert found(folder) == {
        "ada": ["ada.ipynb", "ada.docx", "ada.pdf"],
        "bob": ["bob", "bob.pdf"],
        "cy": ["cy.zip", "cy.txt"],
        "dan": ["dan.py"],
        "dan_attempt2": ["dan_attempt2.py", "dan_attempt2.pdf"],
        "eve": ["eve.docx", "eve.pdf"],
        "fay": ["fay_hw1.py", "fay.docx"],
    }


def test_a_folder_that_the_roster_names_and_that_is_lost_keeps_its_student(tmp_path: Path) -> None:
    folder = in_class(tmp_path, "ada_1/hw.py",
                      roster="student,folder\nada,ada_1\nbob,bob_1\ncy,\n")
    hand_ins = by_key(folder)
    assert set(hand_ins) == {"ada", "bob"}
    assert not hand_ins["bob"].sources[0].exists()


GRADESCOPE = """\
submission_201:
  :submitters:
  - :name: Orrin Vale
    :email: orrin@school.example
  :created_at: 2026-11-14 20:00:00 Z
submission_202:
  :submitters:
  - :name: Tessa Brock
    :email: tessa@school.example
  :created_at: 2026-11-14 21:00:00 Z
  :history:
  - :id: 190
    :created_at: 2026-11-13 21:00:00 Z
"""


def test_a_gradescope_submission_without_files_keeps_its_student(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "class", {METADATA: GRADESCOPE, "submission_201/hw1.py": "x",
                                              "late.py": "by mail"})
    assert found(folder) == {"Orrin-Vale": ["submission_201"], "Tessa-Brock": ["submission_202"],
                             "late": ["late.py"]}


def test_an_import_keeps_who_handed_in_no_files_and_takes_the_files_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "class"
    export = gradescope(tmp_path / "a.zip", GRADESCOPE, 201)
    cli.main(["import", "gradescope", str(export), "--to", str(to)], standalone_mode=False)
    told = capsys.readouterr()
    assert "2 of 2 students" in told.out
    assert "tessa@school.example" in told.err and "1 earlier attempt" in told.err
    assert set(by_key(to)) == {"Orrin-Vale", "Tessa-Brock"}
    assert import_gradescope(export, to).new == 0
    again = import_gradescope(gradescope(tmp_path / "b.zip", GRADESCOPE, 201, 202), to)
    assert (again.new, again.unread) == (1, ())
    assert [path.name for path in by_key(to)["Tessa-Brock"].sources[0].iterdir()] == ["hw2.py"]


CANVAS = {
    "valeorrin_11_1001_hw1.py": "x = 1",
    "brocktessa_14_text.html": "<p>My answer</p>",
    "underhillpia_LATE_15_link.html": "https://school.example/pia",
}


def test_texts_and_links_typed_into_canvas_are_imported_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to, source = tmp_path / "class", zipped(CANVAS, tmp_path / "a.zip")
    cli.main(["import", "canvas", str(source), "--to", str(to)], standalone_mode=False)
    told = capsys.readouterr()
    assert "3 of 3 students" in told.out
    assert "brocktessa_14_text.html, underhillpia_LATE_15_link.html" in told.err
    assert "Canvas marks 1 submission as late" in told.err and "underhillpia" in told.err
    hand_ins = by_key(to)
    assert set(hand_ins) == {"valeorrin", "brocktessa", "underhillpia"}
    assert hand_ins["underhillpia"].marked_late
    roster = read_roster(to)
    assert roster is not None and roster.by_student["brocktessa"].canvas_id == "14"
    assert import_canvas(source, to).new == 0
    changed = CANVAS | {"brocktessa_14_text.html": "<p>Another answer</p>"}
    assert import_canvas(zipped(changed, tmp_path / "b.zip"), to).new == 1


# One student in two spellings -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [("{}_hw1.py", "{}_hw1_notes.py"), ("{}.py", "{}.pdf"), ("{}.py", "{}.py"),
     ("{}/hw1.py", "{}/answers.md"), ("{}_14_1_hw1.py", "{}_14_2_answers.md")],
)  # fmt: skip
def test_both_spellings_of_a_letter_are_one_student(
    first: str, second: str, tmp_path: Path
) -> None:
    folder = in_class(tmp_path, first.format(TWO), second.format(ONE))
    (only,) = discover(folder)
    assert only.student == ONE and len(only.sources) == 2


def test_no_file_is_lost_where_two_differ_in_their_spelling_only(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "class", {f"{ONE}.py": "x = 1", f"{TWO}.py": "x = 2"})
    (only,) = discover(folder)
    found = prepare(only, tmp_path / "w")
    assert found.files == (f"{ONE}.py", f"{ONE}_2.py") and found.notes == ()
    assert {(found.folder / name).read_text() for name in found.files} == {"x = 1", "x = 2"}


def test_a_roster_and_the_lists_of_a_rubric_meet_both_spellings(tmp_path: Path) -> None:
    folder = in_class(
        tmp_path, f"{TWO}.py", f"{TWO}a_1/hw.py", f"{TWO}b_1/hw.py",
        roster=f"student,folder\n{ONE},\n{ONE}a,{ONE}a_1\n{TWO}b,{TWO}b_1\n",
    )  # fmt: skip
    assert set(found(folder)) == {ONE, f"{ONE}a", f"{ONE}b"}
    groups = tmp_path / "groups.csv"
    groups.write_text(f"group,student\nx,{TWO}\nx,{ONE}a\n", encoding="utf-8")
    policy = {"due": "2026-11-30T12:00:00-05:00",
              "extensions": [{"student": f"{TWO}b", "days": 1}]}
    given = rubric(criterion(), groups=read_groups(groups), late=policy)
    for roster in (read_roster(folder), None):
        known = enrol(given, discover(folder), roster)
        assert known.warnings == ()
        assert known.rubric.groups == {"x": (ONE, f"{ONE}a")}
        assert known.rubric.late is not None
        assert [one.student for one in known.rubric.late.granted] == [f"{ONE}b"]


# A roster written by hand -----------------------------------------------------------------------

BY_HAND = """\
student;name;email;sid;login;canvas_id
orrin;Orrin Vale;orrin@school.example;0011;ovale;11
tessa;Tessa Brock;tessa@school.example;0014;tbrock;14
nilo1;Nilo Marsh;;;;12
nilo2;Nilo Marsh;;;;13
"""


@pytest.mark.parametrize(
    "name",
    ["orrin.py", "Orrin.py", "orrin/hw1.py", "orrin.zip", "orrin_hw1.py", "orrin_attempt2.py",
     "Orrin Vale.py", "ovale_hw1_problem2.ipynb", "0011.py", "orrin.pdf", "valeorrin_11_7_hw1.py",
     "orrin.py.txt", "orrin@school.example/hw1.py"],
)  # fmt: skip
def test_a_file_named_as_the_roster_names_a_student_is_theirs(name: str, tmp_path: Path) -> None:
    folder = in_class(tmp_path, name, roster=BY_HAND)
    assert set(found(folder)) == {"orrin"}
    known = enrol(rubric(criterion()), discover(folder), read_roster(folder))
    assert known.warnings == ()


@pytest.mark.parametrize(
    ("name", "key"),
    [("Nilo Marsh.py", "Nilo-Marsh"), ("orrin_99_7_hw1.py", "orrin-2"), ("kim.py", "kim")],
)
def test_who_cannot_be_told_is_no_student_of_the_roster_and_is_named(
    name: str, key: str, tmp_path: Path
) -> None:
    """Two have one name; Canvas's number is another's; nobody has the name."""
    folder = in_class(tmp_path, name, roster=BY_HAND)
    assert set(found(folder)) == {key}
    (warning,) = enrol(rubric(criterion()), discover(folder), read_roster(folder)).warnings
    assert warning.startswith(f"1 student with submissions not in roster.csv: {key}.")


def test_namesakes_of_canvas_are_told_by_their_numbers(tmp_path: Path) -> None:
    folder = in_class(tmp_path, "marshnilo_12_7_hw1.py", "marshnilo_13_8_hw1.py", roster=BY_HAND)
    assert found(folder) == {"nilo1": ["marshnilo_12_7_hw1.py"],
                             "nilo2": ["marshnilo_13_8_hw1.py"]}


def test_what_is_put_beside_a_student_s_folders_comes_after_them(tmp_path: Path) -> None:
    roster = "student,attempt,folder\nada,1,ada_attempt1\nada,2,ada_attempt2\n"
    folder = in_class(tmp_path, "ada_attempt1/hw.py", "ada_attempt2/hw.py", "ada.py",
                      roster=roster)
    ada = attempts_of(discover(folder), "last")["ada"]
    assert len(ada.submissions) == 3
    (last,) = (one for one in discover(folder) if one.student == ada.counting[0])
    assert [path.name for path in last.sources] == ["ada.py"]


def test_of_two_hand_ins_of_one_student_without_times_either_may_be_the_last(
    tmp_path: Path,
) -> None:
    folder = in_class(tmp_path, "ada.py", "ada.zip", roster="student\nada\n")
    ada = attempts_of(discover(folder), "last")["ada"]
    assert len(ada.submissions) == len(ada.counting) == 2


def test_without_a_roster_nobody_is_warned_about() -> None:
    hand_ins = [HandIn("ada", (Path("ada.py"),))]
    assert enrol(rubric(criterion()), hand_ins, None).warnings == ()
    assert enrol(rubric(criterion()), hand_ins, Roster()).warnings != ()
