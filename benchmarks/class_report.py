"""Measures the class report of three hundred students: seconds to make it, and its size.

Each repetition is a process of its own, so that matplotlib is imported and every picture drawn. The
grades are made before the clock starts. To repeat one: `python -m benchmarks.class_report 300`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from benchmarks.figures import Figure, Sizes
from benchmarks.made_up import made_up_class, rubric
from benchmarks.timing import command, run
from grader.reports.class_report.rendering import render
from grader.reports.class_report.rows import row_of
from grader.reports.class_report.summarizing import summarize

TARGET, LARGEST = 3.0, 3.0   # seconds, megabytes


def measure(sizes: Sizes) -> Iterable[Figure]:
    count = 10 * sizes.each
    again = command(sys.executable, "-m", "benchmarks.class_report", str(count))
    found = [json.loads(run(again)[1]) for _ in range(sizes.pairs)]
    seconds, sizes_in_mb = zip(*found, strict=True)
    yield Figure(f"the class report of {count} students", seconds, "s", TARGET)
    yield Figure("megabytes of that", sizes_in_mb[:1], to_reach=LARGEST)


def main() -> None:
    grades, homework = made_up_class(int(sys.argv[1])), rubric()
    began = time.perf_counter()
    everyone = [one.student for one in grades]
    report = summarize(homework, map(row_of, grades), everyone, 0, running=False)
    html = render(report, datetime.now(UTC))
    json.dump([time.perf_counter() - began, len(html.encode()) / 1e6], sys.stdout)


if __name__ == "__main__":
    main()
