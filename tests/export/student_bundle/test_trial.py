"""`grader release` tries its bundle: starter and reference are checked in it by its own command."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from grader.checks.registry import parameter_models
from grader.errors import UsageError
from grader.export.student_bundle.release import release
from grader.export.student_bundle.trial import try_bundle
from grader.rubric.load import load
from grader.run.options import RunOptions
from tests.factories import write_files

FILES = {
    "rubric.yaml": """\
title: The mean
starter: starter
reference: solution
total: 2
cap: 2
limits: {seconds: 20, memory_mib: 2048, cpus: 1}
criteria:
  - id: mean
    title: The mean of a table's numbers
    part: "1"
    points: 2
    check: pytest
    file: test_mean.py
    data: numbers.csv
    public: [data]
""",
    "test_mean.py": """\
from pathlib import Path

def test_mean(student):
    numbers = [float(one) for one in (Path(__file__).parent / "numbers.csv").read_text().split(",")]
    assert student.call("mean", numbers) == 2
""",
    "numbers.csv": "1,2,3",
    "starter/hw.py": "def mean(numbers):\n    raise NotImplementedError('mean')\n",
    "solution/hw.py": "from solution.sums import total\n\ndef mean(numbers):\n"
                      "    return total(numbers) / len(numbers)\n",
    "solution/sums.py": "total = sum\n",   # a package that imports itself by its folder's name
}


def test_a_bundle_in_which_the_reference_earns_its_points_is_good_and_one_without_a_file_is_not(
    tmp_path: Path,
) -> None:
    rubric = load(write_files(tmp_path / "hw", FILES) / "rubric.yaml", parameter_models)
    options = RunOptions(sandbox="process", seed=3)
    bundle = release(rubric, tmp_path / "trial" / "bundle", options, print, trial=False).path
    shutil.rmtree(tmp_path / "hw" / "solution" / "__pycache__", ignore_errors=True)
    said: list[str] = []
    try_bundle(bundle, rubric, said.append)
    assert len(said) == 1 and "as a student" in said[0]
    (site,) = (bundle / ".venv").rglob("site-packages")
    there = {path.name for path in site.iterdir()}
    assert {"torch", "pytest", "grader"} <= there and not {"docker", "uvicorn", "ray"} & there

    def anew() -> None:
        for name in ("starter", "reference"):
            shutil.rmtree(bundle.parent / name, ignore_errors=True)

    anew()
    write_files(tmp_path / "hw", {"solution/sums.py": "from not_in_the_bundle import total\n"})
    without_starter = rubric.model_copy(update={"starter": None})
    with pytest.raises(UsageError, match="not_in_the_bundle is not installed here"):
        try_bundle(bundle, without_starter, said.append)

    anew()
    write_files(tmp_path / "hw", FILES)
    (bundle / "grading" / "numbers.csv").unlink()
    with pytest.raises(UsageError, match="nothing was written, because"):
        try_bundle(bundle, without_starter, said.append)
