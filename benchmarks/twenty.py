"""Measures twenty code-only submissions in Docker, two at a time, and the same run once more.

The first figure is `grader run FOLDER --jobs 2` into a new results folder, with twenty new files in
each pair, from the start of the process to its end, over the same twenty scripts run bare, two at a
time. The grader's part is a whole run: it reads the rubric and the data, asks the reference, starts
a fresh container for each submission, and writes marks and feedback pages. The image exists before.

The second figure is the same command once more into the same results folder, in seconds. Nothing
has changed, so it measures how long the grader takes to find that out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from benchmarks.code_only import RUBRIC, assert_marks, write_class
from benchmarks.engine import engine_missing, ensure_worker_image
from benchmarks.figures import Figure, Sizes, ratios
from benchmarks.timing import bare, grader, in_turns, seconds_of, side_by_side

COUNT, JOBS = 20, 2
TARGET, TARGET_AGAIN = 0.65, 1.0
NAME = f"{COUNT} code-only submissions through Docker, a container each, {JOBS} jobs, over bare"
AGAIN = f"the same {COUNT} again, nothing changed, altogether"


def measure(sizes: Sizes) -> Iterable[Figure]:
    if missing := engine_missing():
        yield Figure(NAME, to_reach=TARGET, skipped=missing)
        yield Figure(AGAIN, unit="s", to_reach=TARGET_AGAIN, skipped=missing)
        return
    ensure_worker_image()
    with tempfile.TemporaryDirectory() as folder:
        classes = [range(COUNT * pair, COUNT * (pair + 1)) for pair in range(sizes.pairs)]
        scripts = [write_class(Path(folder) / f"class-{one[0]}", one) for one in classes]
        again: list[float] = []

        def graded(numbers: range) -> float:
            out = Path(folder) / f"out-{numbers[0]}"
            command = grader(
                "run", Path(folder) / f"class-{numbers[0]}", "--rubric", RUBRIC, "--sandbox",
                "docker", "--jobs", str(JOBS), "--out", out,
            )  # fmt: skip
            seconds = seconds_of(command)
            assert_marks(out / "grades.csv", numbers)
            again.append(seconds_of(command))
            assert_marks(out / "grades.csv", numbers)
            return seconds

        seconds_of(bare(scripts[0][0]))   # warms the file system's cache before the runs that count
        ours, theirs = in_turns([
            [partial(graded, one) for one in classes],
            [partial(side_by_side, [bare(script) for script in one], JOBS) for one in scripts],
        ])
    yield Figure(NAME, ratios(ours, theirs), to_reach=TARGET)
    yield Figure(f"the {COUNT} bare scripts of that, {JOBS} at a time", theirs, "s")
    yield Figure(AGAIN, tuple(again), "s", TARGET_AGAIN)
