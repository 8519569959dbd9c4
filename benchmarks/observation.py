"""What watching a training costs: a student's script with and without it, in paired runs.

    python -m benchmarks.observation --pairs 5

Each run is a process of its own, on one thread, with the data of the quick profile served in place
of CIFAR-10. Both runs of a pair have the same stand-ins; one has the observer too. What is compared
is the time of the script itself, from its first line to its last: what is loaded before costs the
same in both. Which of a pair comes first alternates. A script that asks for more than the quick
profile's epochs is left to run to its end, so only those that ask for few are taken.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).parent.parent
Way = Literal["bare", "watched"]
TARGET = 1.05
SCRIPTS = (
    "accumulates_hw2_problem2.py",
    "callsforward_hw2_problem2.py",
    "cifar_hw2.py",
    "lightningish_hw2_problem2.py",
    "ownsignatures_hw2_problem2.py",
    "twooptimizers_hw2_problem2.py",
    "unshuffled_hw2_problem2.py",
)


@dataclass(frozen=True)
class Row:
    """One script: (wall, processor) seconds of each run, the runs paired."""

    script: str
    bare: list[tuple[float, float]]
    watched: list[tuple[float, float]]

    def ratios(self, clock: int) -> list[float]:
        pairs = zip(self.watched, self.bare, strict=True)
        return [one[clock] / other[clock] for one, other in pairs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("scripts", nargs="*", type=Path)
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)   # WAY DATA: one run, for itself
    options = parser.parse_args()
    if options.run:
        print(json.dumps(_run(options.run[0], Path(options.run[1]), options.scripts[0])))
        return
    scripts = options.scripts or _samples()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        _write_view(data)
        rows = [_measure(script, data, options.pairs) for script in scripts]
    _print(rows, options.pairs)


def _samples() -> list[Path]:
    """The samples whose scripts train for as long as the quick profile allows, and no longer."""
    return [ROOT / "submissions" / name for name in SCRIPTS]


def _measure(script: Path, data: Path, pairs: int) -> Row:
    seconds: dict[Way, list[tuple[float, float]]] = {"bare": [], "watched": []}
    _start("bare", data, script)   # the file system's cache is warm for all that count
    for pair in range(pairs):
        ways: list[Way] = ["bare", "watched"]
        for way in ways if pair % 2 else reversed(ways):
            seconds[way].append(_start(way, data, script))
    return Row(script.name, seconds["bare"], seconds["watched"])


def _start(way: Way, data: Path, script: Path) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.observation", str(script), "--run", way, str(data)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    wall, processor = json.loads(done.stdout.splitlines()[-1])
    return wall, processor


def _run(way: str, data: Path, script: Path) -> tuple[float, float]:
    """Run one script; the (wall, processor) seconds that it took."""
    import torch

    from grader.worker import sources, stand_ins
    from grader.worker.running import run_as_script
    from grader.worker.view import open_view
    from grader.worker.watch.observer import Budget, Observer
    from grader.worker.watch.saving import Saved

    torch.set_num_threads(1)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / script.name
        copy.write_bytes(script.read_bytes())
        if way == "watched":
            Observer(Budget(), Path(folder)).install()
            Saved().install()
        stand_ins.install(None, open_view(data), None)
        (source,) = sources.read(Path(folder))
        namespace: dict[str, Any] = {}
        out, sys.stdout = sys.stdout, sys.stderr
        began = time.perf_counter(), time.process_time()
        error = run_as_script(source, namespace)
        seconds = time.perf_counter() - began[0], time.process_time() - began[1]
        sys.stdout = out
        os.chdir(ROOT)
    if error is not None:
        raise error
    return seconds


def _write_view(folder: Path) -> None:
    from grader import data
    from grader.checks.registry import parameter_models
    from grader.rubric_file import load

    rubric = load(ROOT / "rubric.yaml", parameter_models())
    spec = rubric.profiles["quick"].data
    data.write_view(data.load(spec, folder.parent / "cache"), folder)


def _print(rows: list[Row], pairs: int) -> None:
    import torch

    print(f"Python {platform.python_version()}, torch {torch.__version__}, {os.cpu_count()} cores, "
          f"{platform.machine()}; {pairs} pairs each, one thread\n")
    print("| script | bare, median s | watched over bare, wall: median | range "
          "| processor: median | range |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        bare = statistics.median(wall for wall, _ in row.bare)
        spreads = f"{_spread(row.ratios(0))} | {_spread(row.ratios(1))}"
        print(f"| {row.script} | {bare:.2f} | {spreads} |")
    wall, processor = ([one for row in rows for one in row.ratios(clock)] for clock in (0, 1))
    print(f"\nAll pairs, median: wall {statistics.median(wall):.3f}, processor "
          f"{statistics.median(processor):.3f}; to reach: {TARGET}")


def _spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.3f} | {min(ratios):.3f} to {max(ratios):.3f}"


if __name__ == "__main__":
    main()
