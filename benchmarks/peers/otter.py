"""otter-grader: `otter run` on each script, with an autograder zip of three exception-based tests.

`otter grade` does the same in a container with a conda environment; `otter run` is its documented
way without Docker. `otter generate` makes the zip before the clock starts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.peers.base import ASKED, QUESTIONS, Peer, of_peers
from benchmarks.timing import Command, run

_TEST = """\
from otter.test_files import test_case

OK_FORMAT = False
name = "{check}"
points = {points}

{asked}

@test_case(points={points})
def test_{check}({function}):
    {check}({function})
"""


def prepare(folder: Path, scripts: Sequence[Path]) -> None:
    tests = folder / "tests"
    tests.mkdir()
    for check, function, points in QUESTIONS:
        text = _TEST.format(check=check, function=function, points=points, asked=ASKED)
        (tests / f"{check}.py").write_text(text, encoding="utf-8")
    run(of_peers("otter", "generate", "--tests-dir", tests, "--no-requirements",
                 "--no-environment", "--no-config", cwd=folder))
    for script in scripts:
        (folder / script.stem).mkdir()


def commands(folder: Path, scripts: Sequence[Path]) -> list[Command]:
    return [
        of_peers("otter", "run", "--no-logo", "--autograder", folder / "autograder.zip",
                 "--output-dir", folder / script.stem, script, cwd=folder)
        for script in scripts
    ]  # fmt: skip


def scores(folder: Path) -> Mapping[str, float]:
    found = {}
    for path in folder.glob("*/results.json"):
        tests = json.loads(path.read_text(encoding="utf-8"))["tests"]
        found[path.parent.name] = float(sum(test.get("score", 0) for test in tests))
    return found


PEER = Peer("otter-grader: `otter run`", prepare, commands, scores)
