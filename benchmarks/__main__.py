"""Measures all figures and prints them as one Markdown table, for docs/benchmarks.md.

    python -m benchmarks                       # everything; `make bench` does the same
    python -m benchmarks --rows cold,warm      # some of them
    python -m benchmarks --pairs 1 --each 1 --many 20      # does everything run?

Each row's module says what is timed and what is not. Nothing else should run on the machine. If no
Docker Engine answers, the rows that need one say so and have no figures.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping

from benchmarks import class_report, cold, overhead, peers, threshold, trainings, twenty, warm
from benchmarks.figures import HEAD, Figure, Sizes, line, versions

Row = Callable[[Sizes], Iterable[Figure]]
ROWS: Mapping[str, Row] = {
    "cold": cold.measure,
    "warm": warm.measure,
    "twenty": twenty.measure,
    "threshold": threshold.measure,
    "overhead": overhead.measure,
    "report": class_report.measure,
    "trainings": trainings.measure,
    "peers": peers.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--rows", type=_chosen, default=tuple(ROWS), metavar=",".join(ROWS))
    usual = Sizes()
    parser.add_argument("--pairs", type=int, default=usual.pairs, help="runs for each figure")
    parser.add_argument("--each", type=int, default=usual.each, help="a tenth of a medium class")
    parser.add_argument("--many", type=int, default=usual.many, help="students in a large class")
    options = parser.parse_args()
    sizes = Sizes(options.pairs, options.each, options.many)
    print(f"{versions()}; {sizes.pairs} pairs each\n\n{HEAD}", flush=True)
    broken = 0
    for name in options.rows:
        try:
            for figure in ROWS[name](sizes):
                print(line(figure), flush=True)
        except Exception as error:   # the other rows are still measured
            traceback.print_exc()
            print(line(Figure(name, skipped=f"{type(error).__name__}, see above")), flush=True)
            broken += 1
    return 1 if broken else 0


def _chosen(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    unknown = sorted(set(names) - set(ROWS))
    if unknown:
        raise argparse.ArgumentTypeError(f"no row '{unknown[0]}'; there are {', '.join(ROWS)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
