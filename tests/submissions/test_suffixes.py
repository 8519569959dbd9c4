"""Files are known by their names, however a browser or an editor changed these."""

from __future__ import annotations

import pytest

from grader.submissions.suffixes import is_archive, is_code, plain_name, stem


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("HW2.PY", "HW2.py"),
        ("hw2.Py", "hw2.py"),
        ("hw2.pyw", "hw2.py"),
        ("hw2.py.txt", "hw2.py"),
        ("hw2.py.txt.txt", "hw2.py"),
        ("hw2.PY.TXT", "hw2.py"),
        ("hw2.ipynb.txt", "hw2.ipynb"),
        ("hw2.ipynb.json", "hw2.ipynb"),
        ("hw2.ipynb.download", "hw2.ipynb"),
        ("HW2.IPYNB", "HW2.ipynb"),
        ("hw2.ZIP", "hw2.zip"),
        ("hw2.tar.GZ", "hw2.tar.gz"),
        ("hw2.zip.download", "hw2.zip"),
    ],
)
def test_a_changed_suffix_is_known(name: str, plain: str) -> None:
    assert plain_name(name) == plain
    assert is_code(name) != is_archive(name)


@pytest.mark.parametrize(
    "name", ["hw2.py", "answers.txt", "data.json", "notes.py.md", "py.txt", ".txt", "x", "loss.PNG"]
)
def test_any_other_name_stays(name: str) -> None:
    assert plain_name(name) == name


def test_texts_and_pictures_are_neither_code_nor_archives() -> None:
    names = ("answers.txt", "data.json", "report.PDF", "hw2.pyc", "copy", "zip")
    assert not any(is_code(name) or is_archive(name) for name in names)
    assert all(map(is_archive, ("a.zip", "b.TAR.GZ", "c.tgz", "d.rar")))


def test_the_stem_of_a_name_has_no_suffix_at_all() -> None:
    names = ("ada.py", "ada.PY", "ada.py.txt", "ada.tar.gz", "ada.ipynb.json", "ada.zip")
    assert {stem(name) for name in names} == {"ada"}
    assert stem("ada.lovelace") == "ada" and stem("ada") == "ada"
