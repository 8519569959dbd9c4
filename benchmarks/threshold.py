"""Measures grading a class again after the threshold of one criterion has changed.

Three hundred students have trained. The first run, whose worker answers at once (see `instant.py`),
is not timed. Then the accuracy for full credit is raised in a copy of the rubric, and the same
class is graded into the same results folder; that process is timed from start to end. It must ask
no worker anything, change everybody's points for accuracy and no others, and write every page
again. Each repetition lowers the share of the next threshold.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.figures import Figure, Sizes
from benchmarks.overhead import SILENT, TRAINED, process, write_class
from benchmarks.timing import ROOT, run, seconds_of

TARGET = 5.0
# The text of rubric.yaml in the quick profile. Further trainings near a threshold are switched off.
FULL_POINTS_AT = "accuracy: 0.90, share: 1.0"
AGAIN = "    again: {at_most: 2, within: 0.025}\n"


def measure(sizes: Sizes) -> Iterable[Figure]:
    text, count = TRAINED.read_text(encoding="utf-8"), 10 * sizes.each
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "recording").mkdir()
        first = _rubric(folder, 0.9, 0.7)
        run(process("record", first, write_class(folder / "one", text, 1)))
        students = write_class(folder / "class", text, count)
        run(process("replay", first, students))
        before = _marks(folder)
        seconds = []
        for repeat in range(sizes.pairs):
            seconds.append(
                seconds_of(process(SILENT, _rubric(folder, 0.9999, 0.7 - repeat / 100), students))
            )
            after = _marks(folder)
            assert len(after) == count, f"{len(after)} of {count} were graded"
            assert all(after[who]["accuracy"] != before[who]["accuracy"] for who in before)
            assert _without_accuracy(after) == _without_accuracy(before), "other marks changed"
            before = after
    name = f"{count} submissions, one criterion's threshold changed"
    yield Figure(name, tuple(seconds), "s", TARGET)


def _rubric(folder: Path, accuracy: float, share: float) -> Path:
    text = (ROOT / "rubric.yaml").read_text(encoding="utf-8")
    assert text.count(FULL_POINTS_AT) == 1, "rubric.yaml has another threshold"
    text = text.replace(FULL_POINTS_AT, f"accuracy: {accuracy:.5f}, share: 1.0")
    assert text.count(AGAIN) == 1, "rubric.yaml trains again by another rule"
    text = text.replace(AGAIN, "")
    assert text.count("share: 0.7}") == 2, "rubric.yaml has other shares"
    text = text.replace("share: 0.7}", f"share: {share:.3f}}}")
    for key in ("reference", "handouts"):
        text = text.replace(f"{key}: {key}", f"{key}: {(ROOT / key).as_posix()}")
    path = folder / "rubric.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _marks(folder: Path) -> dict[str, dict[str, str]]:
    """Read the points of each criterion, by student."""
    with (folder / "out-class" / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = {row.pop("student"): row for row in csv.DictReader(file)}
    return {
        who: {key: value for key, value in row.items() if key not in ("score", "notes")}
        for who, row in rows.items()
    }


def _without_accuracy(marks: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    return {who: row | {"accuracy": ""} for who, row in marks.items()}
