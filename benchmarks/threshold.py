"""A class that was graded before, and one criterion's threshold changed: seconds of the second run.

Three hundred students hand in ten different scripts that train, thirty students each of them; the
first run, in the process sandbox, is not timed. Then the accuracy for full points is raised in a
copy of the rubric, and `grader run` on the same folder into the same results folder is timed, from
the start of the process to its end. It must give other marks for the accuracy than before, and the
same for everything else. Each repetition raises the threshold a little more.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.figures import Figure, Sizes
from benchmarks.scripts import SAMPLES
from benchmarks.timing import ROOT, grader, seconds_of

TARGET = 5.0
SCRIPTS = (
    *SAMPLES,
    *(
        ROOT / "submissions" / name
        for name in (
            "ownreader_hw2_problem2.py", "twopasses_hw2_problem2.py", "wrapsdataset_hw2_problem2.py"
        )
    ),
)  # fmt: skip
FULL_POINTS_AT = "accuracy: 0.95, share: 1.0"   # as rubric.yaml has it in the quick profile


def measure(sizes: Sizes) -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = _write_class(folder / "class", sizes.each)
        _grade(folder, _rubric(folder, 0.95))
        before = _marks(folder)
        seconds = []
        for repeat in range(sizes.pairs):
            seconds.append(_grade(folder, _rubric(folder, 0.9999 - repeat / 1e5)))
            after = _marks(folder)
            assert len(after) == count, f"{len(after)} of {count} were graded"
            assert after != before, "the threshold made no difference"
            assert _without_accuracy(after) == _without_accuracy(before), "other marks changed"
    name = f"{count} submissions, one criterion's threshold changed"
    yield Figure(name, tuple(seconds), "s", TARGET)


def _write_class(folder: Path, each: int) -> int:
    """Files of the same content under different names; how many."""
    folder.mkdir()
    for number in range(each * len(SCRIPTS)):
        script = SCRIPTS[number % len(SCRIPTS)]
        shutil.copyfile(script, folder / f"student{number:04d}_hw2_problem2.py")
    return each * len(SCRIPTS)


def _rubric(folder: Path, accuracy: float) -> Path:
    text = (ROOT / "rubric.yaml").read_text(encoding="utf-8")
    assert text.count(FULL_POINTS_AT) == 1, "rubric.yaml has another threshold"
    text = text.replace(FULL_POINTS_AT, f"accuracy: {accuracy:.5f}, share: 1.0")
    for key in ("reference", "handouts"):
        text = text.replace(f"{key}: {key}", f"{key}: {(ROOT / key).as_posix()}")
    path = folder / "rubric.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _grade(folder: Path, rubric: Path) -> float:
    return seconds_of(grader(
        "run", folder / "class", "--rubric", rubric, "--sandbox", "process",
        "--out", folder / "out",
    ))  # fmt: skip


def _marks(folder: Path) -> dict[str, dict[str, str]]:
    """By student, the points of each criterion."""
    with (folder / "out" / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = {row.pop("student"): row for row in csv.DictReader(file)}
    return {
        who: {key: value for key, value in row.items() if key not in ("score", "notes")}
        for who, row in rows.items()
    }


def _without_accuracy(marks: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    return {who: row | {"accuracy": ""} for who, row in marks.items()}
