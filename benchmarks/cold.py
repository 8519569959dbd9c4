"""One code-only submission, cold: `grader check FILE` over `python FILE`.

Both are processes, timed from their start to their end on the same file; nothing is left of one run
for the next but the file system's cache. The bare script builds a ResNet-18 and prints what its
functions find. The check does that for seven networks, the hidden ones among them, asks the
reference the same, judges, and prints what is wrong.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from benchmarks.code_only import FULL, RUBRIC, write_class
from benchmarks.figures import Figure, ratios
from benchmarks.timing import bare, grader, in_turns, run, seconds_of

TARGET = 0.8


def measure(pairs: int) -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        (script,) = write_class(Path(folder) / "class", 1)
        check = grader("check", script, "--rubric", RUBRIC)
        _, told = run(grader("check", script, "--rubric", RUBRIC, "--json"))
        assert json.loads(told)["score"] == FULL, "a right solution must get all points"
        seconds_of(bare(script))   # the file system's cache is warm for all that count
        ours, theirs = in_turns([partial(seconds_of, one) for one in (check, bare(script))], pairs)
    name = "one submission, cold, code-only: `grader check` over bare `python`"
    yield Figure(name, ratios(ours, theirs), to_reach=TARGET)
    yield Figure("the bare script of that", theirs, "s")
