"""From a class folder, as Gradescope, Canvas or the course lays it out, to Submissions."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import UsageError
from grader.records import Submission
from grader.submissions.discover import discover, hand_in
from grader.submissions.gradescope import METADATA
from grader.submissions.prepare import prepare_trusted as prepare
from grader.submissions.safe_writer import Caps
from grader.submissions.student_names import module_name, owner, student_key
from tests.factories import write_files, zip_of


def notebook(*cells: tuple[str, str]) -> str:
    return json.dumps(
        {"nbformat": 4, "cells": [{"cell_type": kind, "source": text} for kind, text in cells]}
    )


def prepared(tmp_path: Path, source: Path, caps: Caps | None = None) -> Submission:
    return prepare(hand_in(source), tmp_path / "workspace", caps)


def found(folder: Path) -> dict[str, list[str]]:
    return {one.student: [path.name for path in one.sources] for one in discover(folder)}


GRADESCOPE = """\
---
submission_11:
  :submitters:
  - :name: Ada Lovelace
    :sid: '17'
    :email: ada@school.example
  :created_at: 2024-10-05 19:21:33.264541000 -04:00
  :status: processed
submission_12:
  :submitters:
  - :name: Ada Lovelace
    :email: ada2@school.example
  :created_at: 2024-10-06 08:00:00 Z
submission_13:
  :submitters:
  - :email: grace@school.example
  - :name: "=Alan <b>Turing</b>"
  :created_at: yesterday
"""


def test_a_gradescope_export_gives_names_and_times(tmp_path: Path) -> None:
    folder = write_files(
        tmp_path,
        {METADATA: GRADESCOPE} | {f"submission_{n}/hw2.py": "x = 1" for n in (11, 12, 13, 14)},
    )
    first, second, third, fourth = discover(folder)
    assert [first.student, second.student] == ["Ada-Lovelace", "Ada-Lovelace-2"]
    assert third.student == "grace_-Alan-b-Turing-b"
    assert fourth.student == "submission_14"
    eastern = timezone(timedelta(hours=-4))
    assert first.submitted_at == datetime(2024, 10, 5, 19, 21, 33, 264541, tzinfo=eastern)
    assert second.submitted_at == datetime(2024, 10, 6, 8, tzinfo=UTC)
    assert third.submitted_at is None
    assert prepare(first, tmp_path / "w").submitted_at == first.submitted_at


@pytest.mark.parametrize("text", ["a: [", "- a\n- b", "a: !!python/object:os.system x", "[" * 3000])
def test_metadata_that_cannot_be_read_is_the_instructors_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"submission_metadata\.yml.*export"):
        discover(write_files(tmp_path, {METADATA: text}))


def test_a_canvas_export_groups_the_files_of_a_student(tmp_path: Path) -> None:
    names = (
        "lovelaceada_123_1_hw2.py",
        "lovelaceada_123_2_answers.md",
        "hopper_LATE_77_3_hw2-1.ipynb",
        "lovelaceada_99_4_hw2.zip",
        "turing_5_6_answers.pdf",
    )
    folder = write_files(tmp_path / "class", dict.fromkeys(names, "x = 1"))
    assert found(folder) == {
        "hopper": ["hopper_LATE_77_3_hw2-1.ipynb"],
        "lovelaceada": ["lovelaceada_123_1_hw2.py", "lovelaceada_123_2_answers.md"],
        "lovelaceada-2": ["lovelaceada_99_4_hw2.zip"],
        "turing": ["turing_5_6_answers.pdf"],
    }
    ada = prepare(discover(folder)[1], tmp_path / "w")
    assert ada.files == ("answers.md", "hw2.py")
    assert ada.folder == tmp_path / "w/students/lovelaceada/code/lovelaceada"


def attempts(folder: Path) -> dict[str, tuple[tuple[str, ...], int, list[str]]]:
    return {
        one.student: (one.owners, one.attempt, [path.name for path in one.sources])
        for one in discover(folder)
    }


def test_a_file_that_canvas_numbered_begins_another_attempt(tmp_path: Path) -> None:
    names = (
        "ada_123_10_hw2.py", "ada_123_11_answers.md",
        "ada_123_20_answers-1.md", "ada_123_21_hw2-1.py", "ada_LATE_123_30_hw2-2.py",
        "grace_7_40_part-1.py", "grace_7_41_part-2.py",   # called so by herself: one hand-in
    )  # fmt: skip
    folder = write_files(tmp_path / "class", dict.fromkeys(names, "x = 1"))
    assert attempts(folder) == {
        "ada": (("ada",), 1, ["ada_123_10_hw2.py", "ada_123_11_answers.md"]),
        "ada_attempt2": (("ada",), 2, ["ada_123_20_answers-1.md", "ada_123_21_hw2-1.py"]),
        "ada_attempt3": (("ada",), 3, ["ada_LATE_123_30_hw2-2.py"]),
        "grace": (("grace",), 1, ["grace_7_40_part-1.py", "grace_7_41_part-2.py"]),
    }
    last = next(one for one in discover(folder) if one.attempt == 3)
    assert last.marked_late and last.submitted_at is None
    assert prepare(last, tmp_path / "w").files == ("hw2.py",)


def test_names_may_say_which_attempt_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "class"
    write_files(folder, dict.fromkeys(
        ("ada.py", "ada_attempt2.py", "adal_hw2_problem1.py", "adal_hw2_problem1_attempt2.py",
         "grace_attempt1/hw2.py", "grace_attempt10/hw2.py", "my_attempts.py"), "x = 1",
    ))  # fmt: skip
    assert attempts(folder) == {
        "ada": (("ada",), 1, ["ada.py"]),
        "ada_attempt2": (("ada",), 2, ["ada_attempt2.py"]),
        "adal": (("adal",), 1, ["adal_hw2_problem1.py"]),
        "adal_attempt2": (("adal",), 2, ["adal_hw2_problem1_attempt2.py"]),
        "grace": (("grace",), 1, ["grace_attempt1"]),
        "grace_attempt2": (("grace",), 2, ["grace_attempt10"]),
        "my_attempts": (("my_attempts",), 1, ["my_attempts.py"]),
    }


def test_gradescope_s_history_is_attempts_where_their_files_are_there(tmp_path: Path) -> None:
    metadata = """\
submission_12:
  :submitters:
  - :name: Ada
    :email: ada@school.example
  - :name: Grace
    :email: grace@school.example
  :created_at: 2024-10-06 08:00:00 Z
  :history:
  - :id: 9
    :created_at: 2024-10-05 08:00:00 Z
  - :id: 7
    :created_at: 2024-10-04 08:00:00 Z
"""
    files = {f"submission_{number}/hw2.py": "x = 1" for number in (12, 9)}
    assert attempts(write_files(tmp_path, {METADATA: metadata, **files})) == {
        "Ada_Grace": (("Ada", "Grace"), 1, ["submission_9"]),
        "Ada_Grace_attempt2": (("Ada", "Grace"), 2, ["submission_12"]),
    }


def test_the_courses_own_names_group_the_files_of_a_student(tmp_path: Path) -> None:
    folder = write_files(
        tmp_path / "class",
        {
            "adal_hw2_problem1.py": "x = 1",
            "adal_hw2_problem1.pdf": "%PDF",
            "ADAL_hw2_answers.tex": "\\textbf{(a)} Before.",
            "grace_h_hw2.ipynb": notebook(("code", "y = 2")),
        },
    )
    assert found(folder) == {
        "ADAL": ["ADAL_hw2_answers.tex", "adal_hw2_problem1.pdf", "adal_hw2_problem1.py"],
        "grace_h": ["grace_h_hw2.ipynb"],
    }
    ada = prepare(discover(folder)[0], tmp_path / "w")
    assert ada.answers == {"a": "Before.", "pdf": "adal_hw2_problem1.pdf"}


def test_plain_names_are_the_students_and_what_is_ours_is_left_out(tmp_path: Path) -> None:
    folder = write_files(
        tmp_path,
        {
            "ada.py": "",
            "ada.md": "(a) Yes",
            "alan/hw.py": "",
            "alan.zip": b"PK",
            "bob.tar.gz": b"",
            "README.md": "",
            "readme.py": "",
            "readmehta.py": "",
            "notes.md": "",
            "expected.yaml": "",
            ".hidden.py": "",
            "data.csv": "",
            "__pycache__/x.pyc": "",
        },
    )
    assert found(folder) == {
        "ada": ["ada.py", "ada.md"],
        "alan": ["alan"],
        "alan-2": ["alan.zip"],
        "bob": ["bob.tar.gz"],
        "data": ["data.csv"],
        "notes": ["notes.md"],
        "readmehta": ["readmehta.py"],
    }


def test_keys_differ_even_where_case_is_ignored(tmp_path: Path) -> None:
    write_files(tmp_path, {"Ada.py": "", "ada.py": "", "ada-2.py": ""})
    keys = [one.student for one in discover(tmp_path)]
    assert len({key.casefold() for key in keys}) == 3
    assert keys == [one.student for one in discover(tmp_path)]


def test_a_folder_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="nowhere: no such folder"):
        discover(Path("nowhere"))
    with pytest.raises(UsageError, match=r"nowhere\.py: no such file"):
        hand_in(Path("nowhere.py"))
    with pytest.raises(UsageError, match="no such file"):
        hand_in(Path("x" * 300))


@given(st.text(min_size=1, max_size=80))
def test_a_key_is_always_safe_as_a_file_name(name: str) -> None:
    key = student_key(name, {"unnamed"})
    assert key and key[0] not in "-.=+@" and len(key.encode()) < 240
    assert all(x.isalnum() or x in "._-" for x in key)
    assert module_name(name).isidentifier()
    assert owner(name).student


def test_module_names_can_be_imported() -> None:
    names = {"reference": "reference", "my hw-2": "my_hw_2", "546": "_546", "class": "_class"}
    assert {name: module_name(name) for name in names} == names
    assert module_name("é") == "e"
    assert module_name("人") == "submission"


def test_a_script_is_ready_with_its_answers_missing(tmp_path: Path) -> None:
    write_files(tmp_path, {"ada_hw2_problem1.py": "x = 1\n"})
    found = prepared(tmp_path, tmp_path / "ada_hw2_problem1.py")
    assert found.student == "ada"
    assert found.folder == tmp_path / "workspace/students/ada/code/ada"
    assert found.files == ("ada_hw2_problem1.py",)
    assert (found.folder / found.files[0]).read_text() == "x = 1\n"
    assert (found.refused, found.notes, found.answers) == (None, (), {})


def test_a_package_keeps_its_name_and_what_it_ships(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"__init__.py": "", "net.py": "", "data/x.bin": b"\0"}
    source = write_files(tmp_path / "my-net", files | {"expected.yaml": "secret", ".git/config": "x"})
    found = prepared(tmp_path, source)
    assert found.folder == tmp_path / "workspace/students/my-net/code/my_net"
    assert found.files == ("__init__.py", "data/x.bin", "net.py")


@pytest.mark.parametrize("wrapping", ["", "jdoe hw2/", "a/b/jdoe hw2/"])
def test_an_archive_may_wrap_everything_in_a_folder(tmp_path: Path, wrapping: str) -> None:
    write_files(tmp_path, {"jdoe.zip": zip_of({f"{wrapping}hw2.py": "", f"{wrapping}answers.md": ""})})
    found = prepared(tmp_path, tmp_path / "jdoe.zip")
    assert found.files == ("answers.md", "hw2.py")
    assert found.folder.name == ("jdoe_hw2" if wrapping else "jdoe")
    assert [path.name for path in (tmp_path / "workspace/students/jdoe").iterdir()] == ["code"]


def test_a_folder_with_only_an_archive_in_it_is_that_archive(tmp_path: Path) -> None:
    inner: dict[str, str | bytes] = {"jdoe/hw2.py": ""}
    inner |= {"jdoe/nested.zip": zip_of({"deep.py": ""})}
    source = write_files(tmp_path / "submission_1", {"hw2.zip": zip_of(inner), "hw2/plot.txt": ""})
    assert prepared(tmp_path, source).files == (
        "hw2/plot.txt",
        "hw2_2/jdoe/hw2.py",
        "hw2_2/jdoe/nested/deep.py",
    )


def test_several_files_may_be_an_archive_and_more(tmp_path: Path) -> None:
    folder = write_files(
        tmp_path / "class",
        {
            "ada_1_2_hw2.zip": zip_of({"hw2.py": ""}),
            "ada_1_3_hw2": "a file where the archive's folder would be",
            "ada_1_4_same.md": "(a) One",
            "ada_1_5_same.md": "(b) Two",
        },
    )
    (ada,) = discover(folder)
    found = prepare(ada, tmp_path / "w")
    assert found.files == ("ada_1_5_same.md", "hw2", "hw2_2/hw2.py", "same.md")
    assert found.answers == {"a": "One", "b": "Two"}
    assert found.refused is None


def test_a_notebook_is_converted_beside_itself_and_its_text_is_read(tmp_path: Path) -> None:
    book = notebook(("markdown", "## (a)\nBefore."), ("code", "%matplotlib inline\nx = 1"))
    files = {"hw2.ipynb": "\ufeff" + book, "hw2.py": "kept", "b.ipynb": book}
    source = write_files(tmp_path / "ada", files)
    found = prepared(tmp_path, source)
    assert found.files == ("b.ipynb", "b.py", "hw2.ipynb", "hw2.py", "hw2_notebook.py")
    assert (found.folder / "hw2.py").read_text() == "kept"
    script = "# %% [cell 2]\nget_ipython().run_line_magic('matplotlib', 'inline')\nx = 1\n"
    assert (found.folder / "b.py").read_text() == script
    assert found.answers["a"].startswith("Before.")


def test_a_broken_notebook_is_noted_and_the_rest_is_used(tmp_path: Path) -> None:
    source = write_files(tmp_path / "ada", {"bad.ipynb": "[" * 5000, "raw.ipynb": b"\xff{", "ok.py": ""})
    found = prepared(tmp_path, source)
    assert found.files == ("bad.ipynb", "ok.py", "raw.ipynb")
    assert found.refused is None
    assert [note.split(" was left out: ")[0] for note in found.notes] == [
        "'bad.ipynb'",
        "'raw.ipynb'",
    ]


def test_answers_md_comes_before_other_texts_and_a_readme_after_them(tmp_path: Path) -> None:
    source = write_files(
        tmp_path / "ada",
        {
            "a.md": "(a) Other\n(b) Kept",
            "answers.md": "(a) First\n(b)\n*Write your answer here.*\n(c)",
            "README.md": "(d) Readme\n(b) Later",
            "x.tex": "(c) LaTeX",
            "hw.pdf": b"%PDF",
        },
    )
    found = prepared(tmp_path, source)
    parts = {"a": "First", "b": "Kept", "c": "LaTeX", "d": "Readme"}
    assert found.answers == parts | {"pdf": "hw.pdf"}
    assert found.notes == (
        "No Python code was found (no .py, no readable .ipynb). Found: "
        "'README.md', 'a.md', 'answers.md', 'hw.pdf', 'x.tex'.",
    )


def test_a_refused_archive_gives_a_submission_that_says_why(tmp_path: Path) -> None:
    endless = tarfile.TarInfo("x")
    endless.type, endless.size = tarfile.XHDTYPE, 2**33
    write_files(tmp_path, {"eve.tar": endless.tobuf(tarfile.GNU_FORMAT)[:512]})
    found = prepared(tmp_path, tmp_path / "eve.tar")
    assert found.refused is not None and "headers are too long" in found.refused
    assert found.files == () and found.folder.is_dir() and found.notes == ()


def test_a_harmful_archive_beside_honest_files_is_left_out(tmp_path: Path) -> None:
    endless = tarfile.TarInfo("x")
    endless.type, endless.size = tarfile.XHDTYPE, 2**33
    files = {"hw2.py": "x = 1", "eve.tar": endless.tobuf(tarfile.GNU_FORMAT)[:512]}
    found = prepared(tmp_path, write_files(tmp_path / "eve", files))
    assert (found.refused, found.files, found.unread) == (None, ("eve.tar", "hw2.py"), ("eve.tar",))
    assert "headers are too long" in found.notes[0]


def test_links_and_pipes_in_a_folder_are_left_out_with_a_note(tmp_path: Path) -> None:
    write_files(tmp_path / "secret", {"key.py": "hidden"})
    source = write_files(tmp_path / "eve", {"ok.py": ""})
    (source / "file.py").symlink_to(tmp_path / "secret/key.py")
    (source / "folder").symlink_to(tmp_path / "secret")
    os.mkfifo(source / "pipe.py")
    found = prepared(tmp_path, source)
    assert found.files == ("ok.py",)
    (note,) = found.notes
    assert note.startswith("'file.py', 'folder' and 'pipe.py' were left out: it is a link, a pipe")


@pytest.mark.parametrize("caps", [Caps(entries=3), Caps(file_bytes=9), Caps(total_bytes=30)])
def test_what_is_beyond_the_caps_is_left_out_of_a_folder(tmp_path: Path, caps: Caps) -> None:
    files: dict[str, str | bytes] = {f"d/{n}.bin": "x" * 10 for n in range(4)}
    found = prepared(tmp_path, write_files(tmp_path / "ada", files | {"z.py": "x = 1"}), caps)
    assert found.refused is None and found.unread == ()
    assert "z.py" in found.files and len(found.files) < 5 and "left out" in found.notes[0]


def test_folders_that_are_too_deep_cost_nothing_else(tmp_path: Path) -> None:
    source = write_files(tmp_path / "ada", {"hw2.py": "x = 1", f"{'d/' * 30}net.py": "y = 2"})
    write_files(source, {f"{'e/' * 80}far.bin": "z"})
    found = prepared(tmp_path, source)
    assert found.files == ("hw2.py", "net.py") and "too deep" in found.notes[0]


@pytest.mark.parametrize("folder", ["", "__MACOSX/._hw2.zip", "readme.txt"])
def test_an_archive_in_an_archive_is_opened_where_there_is_no_code(
    tmp_path: Path, folder: str
) -> None:
    inner = zip_of({"hw2.zip": zip_of({"hw2.py": "x = 1"})} | ({folder: "junk"} if folder else {}))
    write_files(tmp_path, {"ada.zip": zip_of({"upload.zip": inner})})
    found = prepared(tmp_path, tmp_path / "ada.zip")
    assert [file for file in found.files if file.endswith("hw2.py")] and found.refused is None
    assert not [file for file in found.files if file.endswith(".zip")]


def test_an_archive_beside_code_is_opened_if_it_brings_work_of_another_name(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "hw2.py": "x = 1",
        "backup.zip": zip_of({"old/hw2.py": "x = 0"}),
        "data.zip": zip_of({"0.png": b"", "labels.csv": ""}),
        "part2.zip": zip_of({"train.ipynb": notebook(("code", "y = 2"))}),
    }
    found = prepared(tmp_path, write_files(tmp_path / "ada", files))
    assert found.files == (
        "backup.zip", "data.zip", "hw2.py", "part2/train.ipynb", "part2/train.py",
    )
    assert found.notes == () and found.unread == ()


def test_an_archive_of_itself_ends(tmp_path: Path) -> None:
    archive = zip_of({"x.zip": b"PK\x05\x06" + bytes(18)})
    for _ in range(25):
        archive = zip_of({"r.zip": archive})
    write_files(tmp_path, {"eve.zip": archive})
    found = prepared(tmp_path, tmp_path / "eve.zip")
    assert "more than 20 archives in one another" in " ".join(found.notes)
    assert found.unread == ("r.zip",)


def test_the_digest_is_of_names_and_bytes_alone(tmp_path: Path) -> None:
    def digest(name: str, files: dict[str, str | bytes]) -> str:
        return prepared(tmp_path, write_files(tmp_path / name, files)).digest

    one = digest("one", {"a.py": "x", "b.py": "y"})
    assert digest("two", {"b.py": "y", "a.py": "x"}) == one
    others = [
        digest("three", {"a.py": "xb.py", "y": ""}),
        digest("four", {"a.py": "y", "b.py": "x"}),
        digest("five", {"a.py": "x", "b.py": "y", "c.py": ""}),
    ]
    assert len({one, *others}) == 4
    write_files(tmp_path, {"z.zip": zip_of({"b.py": "y", "a.py": "x"})})
    assert prepared(tmp_path, tmp_path / "z.zip").digest == one


def test_preparing_again_leaves_nothing_of_the_last_time(tmp_path: Path) -> None:
    source = write_files(tmp_path / "ada", {"a.py": "", "b.py": ""})
    prepared(tmp_path, source)
    (source / "b.py").unlink()
    assert prepared(tmp_path, source).files == ("a.py",)


def test_one_bad_submission_does_not_stop_the_class(tmp_path: Path) -> None:
    pipe = tarfile.TarInfo("pipe")
    pipe.type = tarfile.FIFOTYPE
    evil = io.BytesIO()
    with tarfile.open(fileobj=evil, mode="w") as archive:
        archive.addfile(pipe)
    folder = write_files(
        tmp_path / "class",
        {
            "a.zip": b"PK\x03\x04 nonsense",
            "b.tar": evil.getvalue(),
            "c.ipynb": "not json",
            "d.py": b"\xff\xfe\0broken",
            "e.7z": b"7z\xbc\xaf\x27\x1c",
            "f/x\u202ey.py": "",
            "g.py": "fine = True",
            "h.md": "",
        },
    )
    (folder / "empty").mkdir()
    class_ = [prepare(one, tmp_path / "w") for one in discover(folder)]
    assert {one.student: (one.has_code, bool(one.unread)) for one in class_} == {
        "a": (False, True),
        "b": (False, True),
        "c": (False, True),
        "d": (True, False),
        "e": (False, True),
        "empty": (False, False),
        "f": (True, False),
        "g": (True, False),
        "h": (False, False),
    }
    assert all(one.refused is None for one in class_)


def test_what_is_neither_file_nor_folder_is_not_opened_and_waits_for_a_person(tmp_path: Path) -> None:
    """A pipe would be waited at for ever, a link opened wherever it leads."""
    secret = write_files(tmp_path / "secret", {"key.py": "hidden", "key.zip": zip_of({"key.py": ""})})
    folder = write_files(tmp_path / "class", {"ada.py": "x = 1"})
    links = {
        "code.py": secret / "key.py",
        "archive.zip": secret / "key.zip",
        "folder": secret,
        "gone.py": secret / "nowhere",
        "itself.ipynb": folder / "itself.ipynb",
        "long.py": Path("x" * 300),
        "zeros.tar.gz": Path("/dev/zero"),
    }
    for name, to in links.items():
        (folder / name).symlink_to(to)
    for name in ("pipe.py", "pipe2.zip"):
        os.mkfifo(folder / name)
    class_ = {one.student: prepare(one, tmp_path / "w") for one in discover(folder)}
    assert class_.pop("ada").refused is None
    assert set(class_) == {
        "code", "archive", "folder", "gone", "itself", "long", "zeros", "pipe", "pipe2"
    }  # fmt: skip
    for found in class_.values():
        assert found.files == () and len(found.unread) == 1
        assert "hand in the file itself" in found.notes[0]


def test_a_link_beside_the_files_of_a_student_is_left_out(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "class", {"ada_1_2_hw2.py": "x = 1"})
    (folder / "ada_1_3_more.zip").symlink_to(tmp_path)
    (ada,) = discover(folder)
    found = prepare(ada, tmp_path / "w")
    assert (found.refused, found.files) == (None, ("hw2.py",))
    assert "link" in found.notes[0]


@pytest.mark.parametrize(
    "metadata", [{}, {METADATA: "submission_1:\n  :submitters:\n  - :name: Eve\n"}]
)
def test_a_link_in_place_of_a_folder_is_not_followed(
    tmp_path: Path, metadata: dict[str, str | bytes]
) -> None:
    write_files(tmp_path / "secret", {"key.py": "hidden"})
    folder = write_files(tmp_path / "class", metadata)
    folder.mkdir(exist_ok=True)
    (folder / "submission_1").symlink_to(tmp_path / "secret")
    (eve,) = discover(folder)
    found = prepare(eve, tmp_path / "w")
    assert (found.files, found.unread) == ((), ("submission_1",))


def test_a_student_whose_name_is_that_of_a_folder_of_the_run_takes_nothing_away(
    tmp_path: Path,
) -> None:
    """The run keeps its data in `workspace/data`, the reference in `workspace/gold`."""
    workspace = write_files(tmp_path / "w", {"data/view.npy": "v", "gold/x": "", "cache/x": ""})
    folder = write_files(tmp_path / "class", dict.fromkeys(("data.py", "gold.py", "cache.py"), "x = 1"))
    before = sorted(path for path in workspace.rglob("*"))
    for one in discover(folder):
        prepare(one, workspace)
    students = workspace / "students"
    inside = [path for path in workspace.rglob("*") if path.is_relative_to(students)]
    assert sorted(set(workspace.rglob("*")) - set(inside)) == before
    assert len(list(students.iterdir())) == 3


NAMES = ("new\nline", "\u202eyp.live", "..", "-rf", "=cmd()", "\x1b[2J", "n" * 255, "\udcff", "C:")


@pytest.mark.parametrize("suffix", [".py", ".zip", ""])
def test_a_hostile_name_is_one_submission_among_others(tmp_path: Path, suffix: str) -> None:
    content = zip_of({"hw2.py": "x = 1"}) if suffix == ".zip" else b"x = 1"
    folder = write_files(tmp_path / "class", {f"ada{suffix or '/hw2.py'}": content})
    for name in NAMES:
        if suffix:
            write_files(folder, {f"{name}{suffix}"[-255:]: content})
        elif name != "..":
            write_files(folder, {f"{name}/hw2.py": content})
    class_ = [prepare(one, tmp_path / "w") for one in discover(folder)]
    shown = {one.student for one in class_}
    assert "ada" in shown and len(shown) == len(class_)
    assert all(name[0] not in "-=." and name.isprintable() for name in shown)
    for one in class_:
        assert one.refused is None or one.refused.isprintable()
        assert one.refused is not None or any(file.endswith(".py") for file in one.files)
    assert {path.name for path in tmp_path.iterdir()} == {"class", "w"}


def test_archives_side_by_side_share_one_cap(tmp_path: Path) -> None:
    archive = zip_of({"a.bin": bytes(9_000)})
    files: dict[str, str | bytes] = {f"eve_1_{n}_{n}.zip": archive for n in range(3)}
    folder = write_files(tmp_path / "class", files | {"eve_1_9_hw2.py": "x = 1"})
    (eve,) = discover(folder)
    found = prepare(eve, tmp_path / "w", Caps(total_bytes=20_000, file_bytes=10_000))
    assert "hw2.py" in found.files and "20,000 bytes" in found.notes[0]
    assert len(list((tmp_path / "w").rglob("*.bin"))) == 2


def test_a_folder_that_the_grader_may_not_read_is_not_the_students_fault(tmp_path: Path) -> None:
    """`prepare` raises, so it is not scored; a folder passed over in silence would cost marks."""
    source = write_files(tmp_path / "ada", {"hw2.py": "x = 1", "net/model.py": "y = 2"})
    (source / "net").chmod(0)
    (tmp_path / "w").mkdir(mode=0o777)
    (tmp_path / "w").chmod(0o777)
    with as_nobody(tmp_path), pytest.raises(PermissionError, match="net"):
        prepare(hand_in(source), tmp_path / "w")
    (source / "net").chmod(0o755)
    assert "net/model.py" in prepare(hand_in(source), tmp_path / "w").files


def is_private(folder: Path) -> bool:
    return stat.S_IMODE(folder.stat().st_mode) == 0o700


@contextmanager
def as_nobody(tmp_path: Path) -> Iterator[None]:
    """Root may read everything; others are tested as they are."""
    is_root = os.geteuid() == 0
    if is_root:
        for folder in filter(is_private, (tmp_path, *tmp_path.parents)):   # pytest's own ones
            folder.chmod(0o755)
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_a_class_folder_that_cannot_be_read_is_the_instructors_error(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "class", {"ada.py": ""})
    folder.chmod(0)
    with as_nobody(tmp_path), pytest.raises(UsageError, match="class: Permission denied"):
        discover(folder)
    folder.chmod(0o755)


def test_a_notebook_in_utf_16_is_read(tmp_path: Path) -> None:
    book = notebook(("code", "x = 'é'"))
    for number, encoding in enumerate(("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")):
        source = write_files(tmp_path / f"ada{number}", {"hw2.ipynb": book.encode(encoding)})
        found = prepared(tmp_path, source)
        assert (found.folder / "hw2.py").read_text("utf-8") == "# %% [cell 1]\nx = 'é'\n"


def test_a_thousand_broken_notebooks_make_no_thousand_notes(tmp_path: Path) -> None:
    source = write_files(tmp_path / "eve", {f"{n:04}.ipynb": "{" for n in range(1_000)})
    found = prepared(tmp_path, source)
    assert len(found.notes) == 21
    assert found.notes[-1] == "981 more notes are not shown."


def test_notebooks_are_read_up_to_a_size_of_all_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.submissions.reading.LARGEST_NOTEBOOK", 1_000)
    book = notebook(("code", "x = 1  " + "#" * 700))
    source = write_files(tmp_path / "eve", {f"{n}.ipynb": book for n in range(3)})
    found = prepared(tmp_path, source)
    assert [file for file in found.files if file.endswith(".py")] == ["0.py", "1.py"]
    assert "'2.ipynb' was left out" in found.notes[0]


def test_of_very_many_texts_the_first_are_read_and_answers_md_before_them(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"{n:03}.md": "(b) Other" for n in range(30)}
    files |= {"029.md": "(c) Too late", "answers.md": "(a) First"}
    found = prepared(tmp_path, write_files(tmp_path / "eve", files))
    assert found.answers == {"a": "First", "b": "Other"}
