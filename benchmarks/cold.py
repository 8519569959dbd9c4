"""One code-only submission, cold: `grader check FILE` over `python FILE`.

Both are processes, timed from their start to their end on the same file, another one for each
pair: nothing is left of one run for the next but the file system's cache. The bare script builds a
ResNet-18 and prints what its functions find. The check does that for seven networks, the hidden
ones among them, asks the reference the same, judges, and prints what is wrong.
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
        # The file system's cache is warm for all that count.
        seconds_of(bare(first))
        _, told = run(_check(first, "--json"))
        assert json.loads(told)["score"] == FULL, "a right solution must get all points"
        ours, theirs = in_turns([
            [partial(seconds_of, _check(script)) for script in scripts],
            [partial(seconds_of, bare(script)) for script in scripts],
        ])
    name = "one submission, cold, code-only: `grader check` over bare `python`"
    yield Figure(name, ratios(ours, theirs), to_reach=TARGET)
    yield Figure("the bare script of that", theirs, "s")


def _check(script: Path, *more: str) -> Command:
    return grader("check", script, "--rubric", RUBRIC, *more)
