"""A file of an instructor's check reaches students only if the rubric calls it public."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grader.checks.registry import parameter_models
from grader.errors import RubricError, UsageError
from grader.export.student_bundle.bundle import leaks, write_bundle
from grader.export.student_bundle.public_rubric import at_home, public_rubric
from grader.rubric.load import load
from grader.rubric.model import Rubric
from tests.factories import write_files

CHECKS = '''\
"""Learns from known points and is asked about hidden ones."""

from pathlib import Path

from grader.checks.custom.api import Check, Model, answer, graded, probe


class Params(Model):
    known: Path
    hidden: Path | None = None


@probe
def classified(student, points):
    return student.call("classify", points)


def ask(criterion, inputs, limits):
    text = criterion.params.known.read_text()
    return [classified.question(criterion.id, limits.seconds, points=text)]


def judge(criterion, work, key):
    return graded(criterion, float(bool(answer(work, criterion.id))), "Told.")


POINTS = Check("points", Params, ask, judge)
'''
RUBRIC = """\
title: Points
reference: reference
starter: starter
checks: checks.py
total: 6
cap: 6
criteria:
  - {id: tests, title: "Tests pass", part: "1", points: 2, check: pytest, file: test_it.py}
  - {id: easy, title: "Known points", part: "2", points: 1, check: points, known: known.csv,
     public: [known]}
  - {id: hard, title: "Points that nobody has seen", part: "3", points: 2, check: points,
     known: known.csv, hidden: hidden.npz, public: [known], secret: [hidden]}
  - {id: after, title: "After that", part: "4", points: 1, check: written, answer: a,
     depends_on: [tests, hard]}
"""
FILES: dict[str, str | bytes] = {
    "checks.py": CHECKS, "reference/hw.py": "def classify(points): return True\n",
    "starter/hw.py": "\n", "known.csv": "0,0,1\n", "hidden.npz": b"PK labels",
    "test_it.py": "def test_it(student):\n    assert student.call('classify', '')\n",
}  # fmt: skip


def loaded(folder: Path, text: str = RUBRIC) -> Rubric:
    write_files(folder, FILES | {"rubric.yaml": text})
    return load(folder / "rubric.yaml", parameter_models)


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("grader.export.student_bundle.bundle.pack_grader", lambda folder: "x.whl")
    rubric = loaded(tmp_path / "instructor")
    write_bundle(rubric, public_rubric(rubric, 1, 0), tmp_path / "bundle")
    return tmp_path / "bundle"


def test_students_get_public_files_and_no_secret_ones(bundle: Path) -> None:
    names = {path.name for path in bundle.rglob("*") if path.is_file()}
    assert "known.csv" in names and "test_it.py" in names and "hidden.npz" not in names
    assert not [path for path in bundle.rglob("*") if path.is_file()
                and b"PK labels" in path.read_bytes()]


def test_a_criterion_with_a_secret_file_is_left_out_and_the_page_says_so(bundle: Path) -> None:
    public = load(bundle / "grading/rubric.yaml", parameter_models)
    assert [one.id for one in public.criteria] == ["tests", "easy", "after"]
    assert public.criteria[2].depends_on == ("tests",) and public.total == 4
    page = (bundle / "README.md").read_text(encoding="utf-8")
    assert "Points that nobody has seen (2), which only your instructor can check" in page
    assert "Known points (1) |" in page


@pytest.mark.parametrize(
    ("old", "new", "keys"),
    [
        (",\n     public: [known]}\n  - {id: hard", "}\n  - {id: hard", "criterion 'easy': known"),
        ("public: [known], secret: [hidden]", "public: [known]", "criterion 'hard': hidden"),
        (", public: [known], secret: [hidden]", "", "criterion 'hard': known, hidden"),
        ("public: [known], secret: [hidden]", "secret: [hidden]", "criterion 'hard': known"),
    ],
)
def test_a_file_that_is_neither_stops_the_release_and_is_asked_for(
    old: str, new: str, keys: str, tmp_path: Path
) -> None:
    assert old in RUBRIC
    with pytest.raises(UsageError) as caught:
        at_home(loaded(tmp_path, RUBRIC.replace(old, new)))
    assert f"neither public nor secret: {keys}. Add 'public: [...]'" in str(caught.value)
    assert "hidden.npz" not in str(caught.value)


def test_files_of_hidden_criteria_need_no_word(tmp_path: Path) -> None:
    text = RUBRIC.replace("public: [known], secret: [hidden]", "visibility: hidden")
    text = re.sub(r",\n     depends_on: \[tests, hard\]", "", text)
    assert [one.id for one in at_home(loaded(tmp_path, text))] == ["tests", "easy", "after"]


def test_a_copy_of_a_secret_file_in_the_starter_is_found(tmp_path: Path) -> None:
    rubric = loaded(tmp_path)
    assert leaks(rubric, {"points.bin": b"PK labels"}) == [f"points.bin is {tmp_path}/hidden.npz"]
    assert leaks(rubric, {"points.bin": b"0,0,1\n"}) == []


def test_where_everything_is_secret_there_is_nothing_to_release(tmp_path: Path) -> None:
    kept = RUBRIC[: RUBRIC.index("  - {id: tests")]
    hard = RUBRIC[RUBRIC.index("  - {id: hard"): RUBRIC.index("  - {id: after")]
    text = (kept + hard).replace("total: 6", "total: 2")
    with pytest.raises(UsageError, match="every visible criterion has a secret file"):
        at_home(loaded(tmp_path, text))


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("public: [known, labels]", "criteria.2.public.1: 'labels' is no file of this check"),
        ("public: [hidden]", "'hidden' is named already; a file is either public or secret"),
        ("public: known", "criteria.2.public: expected a list, found 'known'"),
    ],
)
def test_a_wrong_key_among_public_files_is_told(word: str, told: str, tmp_path: Path) -> None:
    text = RUBRIC.replace("public: [known], secret: [hidden]", f"{word}, secret: [hidden]")
    with pytest.raises(RubricError, match=re.escape(told)):
        loaded(tmp_path, text)


TABLES = {
    "test_it.py": "from pathlib import Path\n\nDATA = Path(__file__).with_name('seen.csv')\n\n\n"
                  "def test_it(student):\n    assert student.call('classify', DATA.read_text())\n",
    "seen.csv": "1,2\n", "unseen.csv": "3,4\n",
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ("public: [seen.csv]", ["seen.csv"]),
        ("public: [data]", ["seen.csv"]),
        ("public: [seen.csv], secret: [unseen.csv]", ["seen.csv"]),
        ("secret: [seen.csv]", None),
        ("secret: [data]", None),
    ],
)
def test_data_of_visible_tests_are_public_or_secret_too(
    words: str, given: list[str] | None, tmp_path: Path
) -> None:
    """Data that only hidden tests name stay, whatever is said of them."""
    text = RUBRIC.replace("file: test_it.py}",
                          f"file: test_it.py, data: [seen.csv, unseen.csv], {words}}}")
    write_files(tmp_path, TABLES)
    (tmp_path / "rubric.yaml").write_text(text, encoding="utf-8")
    write_files(tmp_path, {name: text for name, text in FILES.items() if name not in TABLES})
    public = public_rubric(load(tmp_path / "rubric.yaml", parameter_models), 1, 0)
    row = next((one for one in public.document["criteria"] if one["id"] == "tests"), None)
    assert (row and row["data"]) == given
    assert "unseen.csv" not in public.files and ("seen.csv" in public.files) == bool(given)


def test_data_of_visible_tests_without_a_word_stop_the_release(tmp_path: Path) -> None:
    write_files(tmp_path, FILES | TABLES)
    text = RUBRIC.replace("file: test_it.py}", "file: test_it.py, data: [seen.csv, unseen.csv]}")
    (tmp_path / "rubric.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"criterion 'tests': seen\.csv\. Add"):
        at_home(load(tmp_path / "rubric.yaml", parameter_models))
