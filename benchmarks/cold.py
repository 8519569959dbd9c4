"""Measures one code-only submission from a cold start: `grader check FILE` over `python FILE`.

Both are processes, timed from start to end on the same file; each pair has a new file, so that only
the file system's cache stays from one run to the next. The bare script builds a ResNet-18 and
prints what its functions find. The check does that for seven networks, hidden ones among them, asks
the reference the same questions, judges, and prints what is wrong.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from benchmarks.code_only import FULL, RUBRIC, write_class
from benchmarks.figures import Figure, Sizes, ratios
from benchmarks.timing import Command, bare, grader, in_turns, run, seconds_of

TARGET = 0.8


def measure(sizes: Sizes) -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        first, *scripts = write_class(Path(folder) / "class", range(sizes.pairs + 1))
        # Warms the file system's cache before the runs that count.
        seconds_of(bare(first))
        _, output = run(_check(first, "--json"))
        assert json.loads(output)["score"] == FULL, "a right solution must get all points"
        ours, theirs = in_turns([
            [partial(seconds_of, _check(script)) for script in scripts],
            [partial(seconds_of, bare(script)) for script in scripts],
        ])
    name = "one submission, cold, code-only: `grader check` over bare `python`"
    yield Figure(name, ratios(ours, theirs), to_reach=TARGET)
    yield Figure("the bare script of that", theirs, "s")


def _check(script: Path, *more: str) -> Command:
    return grader("check", script, "--rubric", RUBRIC, *more)
