"""Measures what observing a training costs: a student's script with and without, in paired runs.

    python -m benchmarks.observation --pairs 5

Each run is a process of its own, on one thread, with the data of the quick profile in place of
CIFAR-10. Both runs of a pair have the same shims; one has the observer too. The time is that of the
script itself, from its first line to its last, since everything loaded before costs the same in
both. The order within a pair alternates. The scripts run to their end, so only those that train for
as few epochs as the quick profile are used.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.scripts import SAMPLES, Way, process, write_view
from benchmarks.timing import run

TARGET = 1.05


@dataclass(frozen=True)
class Row:
    """One script with the (wall, processor) seconds of each run, in pairs."""

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
    options = parser.parse_args()
    scripts = options.scripts or SAMPLES
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        write_view(data)
        rows = [_measure(script, data, options.pairs) for script in scripts]
    _print(rows, options.pairs)


def _measure(script: Path, data: Path, pairs: int) -> Row:
    seconds: dict[Way, list[tuple[float, float]]] = {"bare": [], "watched": []}
    _start("bare", data, script)   # warms the file system's cache before the runs that count
    for pair in range(pairs):
        ways: list[Way] = ["bare", "watched"]
        for way in ways if pair % 2 else reversed(ways):
            seconds[way].append(_start(way, data, script))
    return Row(script.name, seconds["bare"], seconds["watched"])


def _start(way: Way, data: Path, script: Path) -> tuple[float, float]:
    _, output = run(process(way, data, 1, script))
    wall, processor = json.loads(output.splitlines()[-1])
    return wall, processor


def _print(rows: list[Row], pairs: int) -> None:
    import torch

    print(f"Python {platform.python_version()}, torch {torch.__version__}, {os.cpu_count()} cores, "
          f"{platform.machine()}; {pairs} pairs each, one thread\n")
    print("| script | bare, median s | observed over bare, wall: median | range "
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
