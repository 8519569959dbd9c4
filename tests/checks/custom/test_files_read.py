"""A mark depends on the files that an instructor's tests and checks read."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from grader.checks import files_read
from grader.checks.custom.loader import checks_in
from grader.checks.files_read import FilesRead, noting, unchanged
from grader.errors import RubricError
from grader.export.autograder.bundle import autograder_zip
from grader.export.student_bundle.public_rubric import public_rubric
from grader.grading.gradebook import Gradebook
from grader.grading.gradebook_file import in_memory
from grader.records import Concluded
from grader.run.cache.evidence import EvidenceCache
from grader.run.cache.file import open_cache
from grader.run.cache.recall import Recall
from grader.run.provenance import fingerprints as fingerprint
from grader.sandbox.process import ProcessSandbox
from tests.checks.custom.homework import read, rubric_in, setup_of, write
from tests.checks.evidence import key, work
from tests.factories import criterion, grade_file, submission, verdict, write_files

TESTS = """
import json
from pathlib import Path

HERE = Path(__file__).parent

def test_mean(student):
    "The mean."
    numbers, wanted = json.loads((HERE / "numbers.json").read_text())
    (HERE / "scratch.txt").write_text("ours")
    (HERE / "scratch.txt").read_text()
    assert student.call("mean", numbers) == wanted
"""
CHECK = """
import json
from pathlib import Path
from grader.checks.custom.api import Check, NoParams, graded

HERE = Path(__file__).parent
LIMIT = json.loads((HERE / "limit.json").read_text())

def ask(criterion, inputs, limits):
    return []

def judge(criterion, work, key):
    share = json.loads((HERE / "share.json").read_text())
    return graded(criterion, min(share, LIMIT), "As the files say.")

CHECK = Check("as_told", NoParams, ask, judge)
"""



@pytest.mark.parametrize(
    ("reads", "seen"),
    [
        (lambda home: (home / "a.csv").read_text(), {"a.csv"}),
        (lambda home: (home / "deep" / "b.bin").read_bytes(), {"deep/b.bin"}),
        (lambda home: os.close(os.open(home / "a.csv", os.O_RDONLY)), {"a.csv"}),
        (lambda home: list(home.glob("deep/*")), {"deep"}),          # what it lists
        (lambda home: (home / "new.txt").write_text("x"), set()),   # what it writes itself
        (lambda home: Path(os.__file__).read_text(), set()),        # Python
        (lambda home: Path(pytest.__file__).read_text(), set()),    # an installed package
    ],
)
def test_what_is_read_below_the_folder_is_noted(
    reads: object, seen: set[str], tmp_path: Path
) -> None:
    write_files(tmp_path, {"a.csv": "1", "deep/b.bin": "2"})
    found = FilesRead(tmp_path)
    with noting(found):
        reads(tmp_path)   # type: ignore[operator]  # a function
    (tmp_path / "a.csv").read_text()   # nobody notes it now
    names = {str(Path(name).relative_to(tmp_path)) for name in found.digests()}
    assert names - {"."} == seen


def test_a_file_that_is_not_there_and_one_of_another_thread(tmp_path: Path) -> None:
    found = FilesRead(tmp_path)
    with noting(found):
        with pytest.raises(FileNotFoundError):
            (tmp_path / "later.csv").read_text()
        other = threading.Thread(target=(write(tmp_path, "other.csv", "1")).read_text)
        other.start()
        other.join()
    digests = found.digests()
    assert [Path(name).name for name in digests] == ["later.csv"] and unchanged(digests)
    write(tmp_path, "later.csv", "1")
    assert not unchanged(digests)


def test_a_module_beside_it_is_noted_by_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    write(tmp_path, "a_helper_of_mine.py", "X = 1\n")
    for _ in range(2):   # from its source, and from its compiled form
        sys.modules.pop("a_helper_of_mine", None)
        found = FilesRead(tmp_path)
        with noting(found):
            __import__("a_helper_of_mine")
        assert str(tmp_path / "a_helper_of_mine.py") in found.digests()


def test_very_many_files_count_as_their_folder(tmp_path: Path) -> None:
    files = {f"images/{number}": str(number) for number in range(files_read.MANY + 1)}
    write_files(tmp_path, files)
    found = FilesRead(tmp_path)
    with noting(found):
        for name in files:
            (tmp_path / name).read_text()
    digests = found.digests()
    assert len(digests) == 1 and unchanged(digests)
    write(tmp_path, "images/7", "8")
    assert not unchanged(digests)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write(tmp_path, "table.csv", "1")


def test_a_verdict_holds_while_the_files_are_as_they_were(table: Path) -> None:
    found = FilesRead(table.parent)
    with noting(found):
        table.read_text()
    ada = submission()
    with in_memory() as book:
        book.begin({"x": "print", "y": "print"}, seed=1, drawn=1)
        rests_on_it = verdict("x", seen={"read": found.digests()})
        book.add(ada, Concluded({"x": rests_on_it, "y": verdict("y")}))
        assert _known(book) == {"x", "y"}
        table.write_text("2")
        assert _known(book) == {"y"}
        table.write_text("1")
        assert _known(book) == {"x", "y"}


def _known(book: Gradebook) -> set[str]:
    assert book.known(submission()).verdicts == book.of(submission()).verdicts
    return set(book.known(submission()).verdicts)


def test_tests_are_asked_again_when_a_table_beside_them_changed(tmp_path: Path) -> None:
    write_files(tmp_path, {
        "test_hw.py": TESTS, "numbers.json": "[[1, 3], 2]",
        "reference/hw.py": "def mean(x): return 2\n",
    })  # fmt: skip
    rubric = rubric_in(tmp_path, "check: pytest\nfile: test_hw.py")
    file = write(tmp_path, "in/hw.py", "def mean(x): return 2\n")
    scores, names = [], set()
    with open_cache(tmp_path) as cache:
        memory = Recall(EvidenceCache(cache), "ground")
        for table in ("[[1, 3], 2]", "[[1, 3], 2]", "[[1, 5], 3]"):
            write(tmp_path, "numbers.json", table)
            grade = grade_file(setup_of(rubric, tmp_path, None, memory), file)
            scores.append(grade.score)
            names |= {Path(name).name for name in grade.criteria[0].verdict.seen["read"]}
    assert scores == [4, 4, 0]
    assert names == {"numbers.json"}   # not what the test wrote itself


def test_a_check_names_what_it_read_and_follows_it(tmp_path: Path) -> None:
    write_files(tmp_path, {"checks.py": CHECK, "limit.json": "0.75", "share.json": "1"})
    asked = criterion("one")
    found = []
    for limit in ("0.75", "0.5"):
        write(tmp_path, "limit.json", limit)
        (check,) = checks_in(tmp_path / "checks.py")
        found.append(check.judge(asked, work({}), key()))
    assert [one.fraction for one in found] == [0.75, 0.5]
    names = {Path(name).name for name in found[0].seen["read"]}
    assert names == {"limit.json", "share.json"}


def in_homework(tmp_path: Path, data: str) -> Path:
    write_files(tmp_path, {
        "test_hw.py": TESTS, "numbers.json": "1", "tables/one.csv": "1", "exam.csv": "1",
        "reference/hw.py": "def mean(x): return 2\n",
    })  # fmt: skip
    return rubric_in(tmp_path, f"check: pytest\nfile: test_hw.py\ndata: {data}")


@pytest.mark.parametrize("data", ["tables", "[exam.csv, tables]", "tables/one.csv"])
def test_named_data_are_part_of_the_verdict_and_of_the_question(data: str, tmp_path: Path) -> None:
    rubric = read(in_homework(tmp_path, data))
    (one,) = rubric.criteria

    def prints() -> tuple[object, ...]:
        fingerprint.of_folder.cache_clear()
        found = fingerprint.fingerprints(rubric, rubric.criteria, ProcessSandbox())
        setup = setup_of(tmp_path / "rubric.yaml", tmp_path)
        asked = setup.context().question_set_of([one], rubric.limits).questions
        return found[one.id], asked[0].digest

    before = prints()
    assert prints() == before
    write(tmp_path, "tables/one.csv", "2")
    assert not set(before) & set(prints())


def test_named_data_must_exist(tmp_path: Path) -> None:
    with pytest.raises(RubricError) as error:
        read(in_homework(tmp_path, "absent.csv"))
    assert "criteria.0.data: there is no file or folder" in str(error.value)


def test_named_data_go_along_with_the_tests(tmp_path: Path) -> None:
    path = in_homework(tmp_path, "[numbers.json, tables, exam.csv]\npublic: [numbers.json]")
    rubric = read(path)
    packed = autograder_zip(rubric, path, ())
    for name in (b"homework/numbers.json", b"homework/tables/one.csv", b"homework/exam.csv"):
        assert name in packed
    public = public_rubric(rubric, 0, 10)   # the tests that students get name one of them
    assert public.files == {"numbers.json": tmp_path / "numbers.json"}
    assert public.document["criteria"][0]["data"] == ["numbers.json"]
