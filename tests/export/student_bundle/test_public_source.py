"""Students get the visible part of an instructor's file; a file that cannot be split is refused."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.export.student_bundle.public_source import public_checks, public_tests

from . import secret_homework as homework


def written(folder: Path, text: str) -> Path:
    path = folder / "test_it.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_only_hidden_tests_use_goes_with_them(tmp_path: Path) -> None:
    public = public_tests(written(tmp_path, homework.TESTS))
    names = {one.name for one in ast.parse(public).body if isinstance(one, ast.FunctionDef)}
    assert names == {"square_of", "test_three"}
    assert "pytest" not in public and "EXAM" not in public


def test_a_file_without_anything_hidden_stays_as_it_is(tmp_path: Path) -> None:
    text = "# a word\nx = 1\nfor y in ():\n    pass\n\n\ndef test_it(student):\n    assert x\n"
    assert public_tests(written(tmp_path, text)) == text


def test_fixtures_are_kept_for_whom_they_are(tmp_path: Path) -> None:
    text = (
        "import pytest\n\n\n@pytest.fixture\ndef number():\n    return 1\n\n\n"
        "@pytest.fixture\ndef exam():\n    return 2\n\n\n"
        "@pytest.fixture(autouse=True)\ndef always():\n    yield\n\n\n"
        "def test_it(student, number):\n    assert number\n\n\n"
        "@pytest.mark.hidden\ndef test_exam(student, exam):\n    assert exam\n"
    )
    public = public_tests(written(tmp_path, text))
    assert "def number" in public and "def always" in public and "exam" not in public


@pytest.mark.parametrize(("text", "told"), [
    ("import pytest\n\nclass TestIt:\n    @pytest.mark.hidden\n    def test_it(self): ...\n",
     r":4: 'hidden' would be in the students' copy"),
    ("import pytest\n\n@pytest.mark.parametrize('n', [pytest.param(2, marks=pytest.mark.hidden)])\n"
     "def test_it(student, n): ...\n", r":3: 'hidden' would be in the students' copy"),
    ("import pytest\n\n@pytest.mark.hidden\ndef test_it(student): ...\n",
     "all of its tests are hidden"),
    ("import pytest\n\ndef test_one(student): ...\n\n@pytest.mark.hidden\ndef test_it(s): ...\n\n"
     "if True:\n    SECRET = 1\n", r":8: the grader cannot tell"),
    ("import pytest\n\n@pytest.mark.hidden\ndef test_it(s): ...\n\ndef test_one(s): test_it(s)\n",
     r":3: this is hidden|:4: this is hidden"),
    ("def test_it(:\n", "cannot be read as Python"),
])  # fmt: skip
def test_what_cannot_be_told_apart_is_an_error_with_its_line(
    text: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=told):
        public_tests(written(tmp_path, text))


def test_of_checks_those_that_are_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, homework.CHECKS)
    public = public_checks(path, {"doubles"})
    assert "judge_doubles" in public and "class Most" in public
    assert "tripl" not in public.lower() and "EXAM" not in public
    assert public_checks(path, {"doubles", "triples"}) == homework.CHECKS
    assert public_checks(path, set()) == ""
