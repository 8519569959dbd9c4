"""Checks on a real GPU what no CPU can show, in at most eight minutes, without Docker.

    python -m benchmarks.gpu_check --data data/cifar10-jpeg.zip
    python -m benchmarks.gpu_check --lines canary,neighbour
    python -m benchmarks.gpu_check --gpu none     # on a CPU: does the script run?

Prints a table for docs/benchmarks.md, with card and versions. A line that fails is named, and the
others are still run. `gpu_memory.py` and `gpu_trainings.py` have the lines.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import gpu_memory, gpu_trainings
from benchmarks.figures import versions
from benchmarks.gpu_line import Check, Line, Skipped, Wrong
from grader.errors import GraderError

LINES: Mapping[str, Line] = {**gpu_memory.LINES, **gpu_trainings.LINES}
SECONDS = 480.0
HEAD = "| line | to be seen | seen | s | as it should be |\n|---|---|---|---|---|"


def main(words: Sequence[str] | None = None) -> int:
    """Run the lines and print the table; returns 1 if a line failed."""
    options = _parser().parse_args(words)
    print(f"{_card()}; {versions()}\n\n{HEAD}", flush=True)
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        until = time.monotonic() + options.seconds
        check = Check(options.gpu, options.data, Path(folder), until)
        for line in options.lines:
            row, right = _row(line, check)
            print(row, flush=True)
            wrong += [] if right else [line.name]
    print(f"\nWrong: {', '.join(wrong)}." if wrong else "\nNo line is wrong.")
    return 1 if wrong else 0


def _row(line: Line, check: Check) -> tuple[str, bool]:
    """Run a line; return its row of the table, and False if it failed."""
    began = time.monotonic()
    right, seen, verdict = True, "", "yes" if check.gpu is not None else "tried"
    try:
        if check.seconds_left < line.at_least:
            raise Skipped(f"less than {line.at_least:.0f} s are left")
        if check.gpu is None and line.needs_gpu:
            raise Skipped("no GPU")
        seen = line.run(check)
    except Skipped as reason:
        seen, verdict = f"not run: {reason}", ""
    except Exception as error:   # the other lines are still run
        if not isinstance(error, (Wrong, GraderError)):
            traceback.print_exc()
        right, seen, verdict = False, f"{type(error).__name__}: {error}", "**no**"
    seen = " ".join(seen.split())[:300].replace("|", "/")
    seconds = time.monotonic() - began
    return f"| {line.name} | {line.expected} | {seen} | {seconds:.1f} | {verdict} |", right


def _card() -> str:
    query = "--query-gpu=name,memory.total,driver_version"
    command = ["nvidia-smi", query, "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return f"No card ({error})"
    rows = (row.split(", ") for row in done.stdout.strip().splitlines())
    return "; ".join(f"{name}, {memory}, driver {driver}" for name, memory, driver in rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu_check", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    names = ",".join(LINES)
    parser.add_argument("--lines", type=_chosen, default=tuple(LINES.values()), metavar=names)
    parser.add_argument("--gpu", type=lambda text: None if text == "none" else text, default="0",
                        help="number or UUID of the GPU; none: try the script on a CPU")
    parser.add_argument("--data", type=Path, help="CIFAR-10: a folder or zip of "
                        "train|test/CLASS/image, or torchvision's folder")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for all lines together")
    return parser


def _chosen(text: str) -> tuple[Line, ...]:
    names = text.split(",")
    unknown = sorted(set(names) - set(LINES))
    if unknown:
        raise argparse.ArgumentTypeError(f"no line '{unknown[0]}'; there are {', '.join(LINES)}")
    return tuple(LINES[name] for name in names)


if __name__ == "__main__":
    sys.exit(main())
