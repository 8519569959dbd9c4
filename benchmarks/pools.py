"""Measures a class on a Ray cluster over the same class without one, at equal cores.

The cluster is one node on this machine, started beforehand, as a course's cluster is. Both runs
start a fresh container of one processor for each submission on the same engine, two at a time, and
are timed from the start of `grader run` to its end. The first figure is the ratio; the third is
what is left of the difference for each submission, most of it the start of a Ray actor. The last
ones are a run of one submission: what joining a cluster costs.

    python -m benchmarks.pools --pairs 3
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.code_only import RUBRIC, assert_marks, write_class
from benchmarks.engine import engine_missing, ensure_worker_image
from benchmarks.figures import HEAD, Figure, line, ratios, versions
from benchmarks.timing import ROOT, Command, grader, in_turns, seconds_of

JOBS, TARGET = 2, 1.10
# A laptop sleeps and a node is short of memory; here neither may end a worker.
NODE = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_memory_monitor_refresh_ms": "0"}


@contextmanager
def ray_cluster(folder: Path) -> Iterator[dict[str, str]]:
    """Start a cluster of one node and yield the environment in which a run finds it."""
    from ray.cluster_utils import Cluster

    os.environ.update(NODE | {"GRADER_DEPOT": str(folder / "depot"), "PYTHONPATH": str(ROOT)})
    cluster = Cluster()
    try:
        cluster.add_node(num_cpus=JOBS, num_gpus=0, include_dashboard=False)
        yield {"RAY_ADDRESS": str(cluster.address)}
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call]


def write_rubric(folder: Path) -> Path:
    """Write the code-only rubric with workers of one processor: two fit on two cores everywhere."""
    text = RUBRIC.read_text("utf-8").replace("cpus: 2", "cpus: 1")
    path = folder / "rubric.yaml"
    path.write_text(text.replace("../../reference", str(ROOT / "reference")), encoding="utf-8")
    return path


def measure(students: int, pairs: int) -> Iterable[Figure]:
    """Yield the figures for classes of `students` and of one."""
    if missing := engine_missing():
        yield Figure("a class over Ray", to_reach=TARGET, skipped=missing)
        return
    ensure_worker_image()
    with tempfile.TemporaryDirectory() as name, ray_cluster(Path(name)) as found:
        folder = Path(name)
        rubric = write_rubric(folder)

        def graded(on: str, numbers: range) -> float:
            out = folder / f"out-{on}-{numbers[0]}-{len(numbers)}"
            command = grader(
                "run", folder / f"{numbers[0]}-{len(numbers)}", "--rubric", rubric, "--jobs",
                str(JOBS), "--on", on, "--out", out,
            )  # fmt: skip
            seconds = seconds_of(Command(command.arguments, environment=found))
            assert_marks(out / "grades.csv", numbers)
            return seconds

        for count in (students, 1):
            classes = [range(count * pair, count * (pair + 1)) for pair in range(pairs)]
            for one in classes:
                write_class(folder / f"{one[0]}-{count}", one)
            ray, local = in_turns([[partial(graded, on, one) for one in classes]
                                   for on in ("ray", "local")])
            what = "class" if count > 1 else "run"
            yield Figure(f"a {what} of {count}, code only, over Ray, over the same on local",
                         ratios(ray, local), to_reach=TARGET if count > 1 else None)
            yield Figure(f"the {what} of {count} on local", local, "s")
            more = tuple((one - other) / count for one, other in zip(ray, local, strict=True))
            yield Figure(f"seconds more over Ray, per submission of the {what} of {count}", more,
                         "s")


def main() -> None:
    """Print the figures as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--students", type=int, default=20)
    options = parser.parse_args()
    print(versions(), HEAD, sep="\n")
    for figure in measure(options.students, options.pairs):
        print(line(figure), flush=True)


if __name__ == "__main__":
    main()
