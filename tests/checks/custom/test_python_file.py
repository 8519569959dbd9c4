"""An instructor's Python file: its checks, probes and mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from grader.checks.answer_key import NoKey
from grader.checks.registry import CHECKS, checks_with
from grader.errors import CheckError, RubricError, UsageError
from grader.rubric.load import json_schema, own_files
from grader.run.provenance import fingerprints as fingerprint
from grader.sandbox.process import ProcessSandbox
from tests.checks.custom.homework import Overheard, graded, read, rubric_in, setup_of, write
from tests.factories import grade_file

CHECKS_FILE = """
from grader.checks.custom.api import Check, Model, answer, expected, graded, probe, tensor
import numpy as np

TOLERANCE = 1e-5   # nobody sees this

@probe
def shifted(student, numbers, by):
    import torch
    assert isinstance(numbers, torch.Tensor)
    rows = student.call("shift", numbers, by=by)
    return {"by": by, "rows": rows, "first": rows[0, 0].item()}

class Params(Model):
    by: int = 1

def ask(criterion, exam, limits):
    numbers = exam.draw("shift").normal(size=(3, 4)).astype("f4")
    return [shifted.question("shift", limits.seconds, numbers=tensor(numbers),
                             by=criterion.params.by)]

def judge(criterion, work, key):
    mine, wanted = answer(work, "shift")["rows"], expected(key, "shift")["rows"]
    if mine.shape == (1, 1):
        raise LookupError("secret words")
    right = mine.shape == wanted.shape and np.allclose(mine, wanted, atol=TOLERANCE)
    return graded(criterion, 1.0 if right else 0.0, "Right." if right else "Not shifted.")

CHECK = Check("shift", Params, ask, judge, needs_reference=True)
"""
RIGHT = """
def shift(x, by):
    return x.roll(by, dims=1)
"""
FILES = "checks: checks.py"


@pytest.fixture
def rubric(tmp_path: Path) -> Path:
    write(tmp_path, "checks.py", CHECKS_FILE)
    write(tmp_path, "reference/hw.py", RIGHT)
    return rubric_in(tmp_path, "check: shift\nby: 2", files=FILES)


ANSWERS = """
def right(x, by): return x.roll(by, dims=1)
def wrong(x, by): return x.roll(1, dims=1)
def raises(x, by):
    return 1 / 0
def no_number(x, by): return x * float("nan")
def no_tensor(x, by): return [[1.0]]
def small(x, by): return x[:1, :1]
"""
VERDICTS = {
    "right": ("passed", "Right."),
    "wrong": ("failed", "Not shifted."),
    "raises": ("failed", "The code raised an exception: hw0.py, line 5: ZeroDivisionError"),
    "missing": ("failed", "This was not found: missing"),
    "no_number": ("failed", "in what was returned, ['rows'] is NaN or infinite."),
    # What a probe or a judge makes of an odd answer is theirs to mend, and nobody's zero.
    "no_tensor": ("not_scored", "checks.py, line 12, in shifted: TypeError: list indices"),
    "small": ("not_scored", "the check failed on this answer (LookupError at checks.py:26)"),
}


def test_each_answer_has_its_verdict_and_only_the_probe_is_sent(
    tmp_path: Path,
) -> None:
    text = CHECKS_FILE.replace("numbers, by):", "numbers, by, of):")
    text = text.replace('call("shift",', "call(of,")
    text = text.replace("    by: int = 1", "    by: int = 2\n    of: str")
    text = text.replace('question("shift",', "question(criterion.params.of,")
    text = text.replace("by=criterion.params.by)", "**criterion.params.model_dump())")
    text = text.replace('(work, "shift")', "(work, criterion.params.of)")
    text = text.replace('(key, "shift")', "(key, criterion.params.of)")
    write(tmp_path, "checks.py", text)
    names = [line.split("(")[0] for line in ANSWERS.split("def ")[1:]] + ["missing"]
    write(tmp_path, "reference/hw.py", "\n".join(
        f"def {name}(x, by): return x.roll(by, dims=1)" for name in names
    ))
    criteria = [f"check: shift\nof: {name}" for name in VERDICTS]
    overheard = Overheard()
    grade = graded(rubric_in(tmp_path, *criteria, files=FILES), ANSWERS, tmp_path, overheard)
    verdicts = [row.verdict for row in grade.criteria]
    for verdict, (status, words) in zip(verdicts, VERDICTS.values(), strict=True):
        assert verdict.status == status and words in verdict.reason, verdict
    assert "return 1 / 0" in verdicts[2].seen["traceback"]
    assert "secret words" not in verdicts[6].reason
    assert b"isinstance(numbers, torch.Tensor)" in overheard.said
    for word in (b"TOLERANCE", b"1e-5", b"needs_reference", b"Not shifted", b"judge"):
        assert word not in overheard.said


def test_a_probe_that_fails_by_itself_stops_the_class_with_its_line(
    rubric: Path, tmp_path: Path
) -> None:
    write(tmp_path, "checks.py", CHECKS_FILE.replace('{"by": by,', '{"by": by["x"],'))
    setup = setup_of(rubric, tmp_path)
    with pytest.raises(NoKey, match=r"checks\.py, line 12, in shifted: TypeError: 'int' object"):
        dict(setup.reference)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("normal(size=", "normal(sizes=", r"checks\.py:18: TypeError: .*sizes"),
        ("by=criterion.params.by", "bye=2", r"checks\.py:8: the probe shifted: .*'by'"),
        ("tensor(numbers)", "exam", r"checks\.py:8: the probe shifted: .* is a EvalInputs"),
    ],
)
def test_an_ask_that_fails_stops_the_class_with_its_line(
    old: str, new: str, words: str, rubric: Path, tmp_path: Path
) -> None:
    write(tmp_path, "checks.py", CHECKS_FILE.replace(old, new))
    setup = setup_of(rubric, tmp_path)
    with pytest.raises(CheckError, match=words):
        grade_file(setup, tmp_path / "reference")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    import torch\n", "", "checks.py:9: the probe shifted uses 'torch'"),
        ("(student, numbers, by):", "(student, numbers, by=TOLERANCE):",
         "checks.py:8: the probe shifted uses 'TOLERANCE'"),
        ('"by": by,', '"by": [TOLERANCE for _ in numbers],',
         "checks.py:12: the probe shifted uses 'TOLERANCE'"),
        ("@probe\n", "@probe\n@np.vectorize\n", "@probe was given a vectorize"),
        ("@probe\n", "import functools\n@probe\n@functools.cache\n",
         "it must be the only decorator of a function"),
        ("import numpy as np", "import numpyy as np", "checks.py:3: ModuleNotFoundError"),
        ("def judge(criterion, work, key):", "def judge(criterion, work, key:",
         "checks.py:22: not valid Python"),
        ("def judge(criterion, work, key):", "def judge(criterion, work):",
         "checks.py:22: 'shift': judge must accept the call judge(criterion, work, key)"),
        ("    by: int = 1", "    points: int = 1", "every criterion has a key 'points'"),
        ('Check("shift", Params,', 'Check("shift", dict,', "derives from Model"),
        ('Check("shift",', 'Check("accuracy",', "there is a check 'accuracy' already"),
        ('Check("shift",', 'Check("my shift",', "a name has only"),
        ("CHECK = ", "CHECK = lambda: ", "no check in it"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_reported_when_the_rubric_is_read(
    old: str, new: str, words: str, rubric: Path
) -> None:
    assert old in CHECKS_FILE
    write(rubric.parent, "checks.py", CHECKS_FILE.replace(old, new))
    with pytest.raises(UsageError) as error:
        read(rubric)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("files", "criterion", "words"),
    [
        ("checks: chekcs.py", "check: shift", "rubric.yaml:4: checks: there is no file"),
        ("checks: [checks.py, more.py]", "check: shift", "rubric.yaml:4: checks: there is no file"),
        ("checks: [3]", "check: written\nanswer: a", "rubric.yaml:4: checks"),
        ("checks: checks.py", "check: shfit", "did you mean 'shift'?"),
        ("checks: checks.py", "check: shift\nby: two", "rubric.yaml:19: criteria.0.by:"),
        ("checks: checks.py", "check: shift\nbye: 2", "did you mean 'by'?"),
        ("", "check: shift", "there is no check 'shift'"),
    ],
)
def test_an_unknown_check_or_parameter_is_reported_with_its_line(
    files: str, criterion: str, words: str, rubric: Path
) -> None:
    wrong = rubric_in(rubric.parent, criterion, files=files)
    with pytest.raises(RubricError) as error:
        read(wrong)
    assert words in str(error.value)


def test_two_files_may_not_have_checks_of_the_same_name(rubric: Path) -> None:
    folder = rubric.parent
    more = write(folder, "more.py", CHECKS_FILE.replace('"shift", Params', '"more", Params'))
    assert set(checks_with((folder / "checks.py", more))) == {*CHECKS, "shift", "more"}
    with pytest.raises(CheckError, match="there is a check 'shift' already"):
        checks_with((folder / "checks.py", folder / "checks.py"))
    assert "shift" not in CHECKS


def test_the_schema_of_a_rubric_knows_its_own_checks(rubric: Path) -> None:
    models = {name: check.params for name, check in checks_with(own_files(rubric)).items()}
    criterion = json_schema(models)["$defs"]["Criterion"]
    assert "shift" in criterion["properties"]["check"]["enum"]
    assert "by" in criterion["properties"]


def test_fingerprints_include_the_instructors_files(tmp_path: Path) -> None:
    write(tmp_path, "checks.py", CHECKS_FILE)
    write(tmp_path, "test_hw.py", "def test(student): pass\n")
    write(tmp_path, "reference/hw.py", RIGHT)

    def prints(criterion: str) -> str:
        fingerprint.of_folder.cache_clear()
        rubric = read(rubric_in(tmp_path, criterion, files=FILES))
        return fingerprint.fingerprints(rubric, rubric.criteria, ProcessSandbox())["mine"]

    criteria = ("check: shift", "check: pytest\nfile: test_hw.py", "check: written\nanswer: a")
    before = [prints(one) for one in criteria]
    assert before == [prints(one) for one in criteria]
    write(tmp_path, "checks.py", CHECKS_FILE.replace("1e-5", "1e-4"))
    changed = [prints(one) != was for one, was in zip(criteria, before, strict=True)]
    assert changed == [True, False, False]
    write(tmp_path, "test_hw.py", "def test(student): assert True\n")
    assert prints(criteria[1]) != before[1]


@pytest.mark.parametrize(
    "verdict",
    ["graded", "Verdict('mine', 'passed', 2.0, '')", "Verdict('mine', 'passed', float('nan'), '')",
     "Verdict('yours', 'passed', 1.0, '')"],
)
def test_an_invalid_verdict_is_not_scored(
    verdict: str, rubric: Path
) -> None:
    text = CHECKS_FILE.replace("    mine, wanted", f"    return {verdict}\n    mine, wanted")
    write(rubric.parent, "checks.py", text.replace("import Check,", "import Verdict, Check,"))
    (criterion,) = read(rubric).criteria
    judge: Any = checks_with(own_files(rubric))["shift"].judge
    found = judge(criterion, None, None)
    assert (found.criterion, found.status, found.fraction) == ("mine", "not_scored", 0)
