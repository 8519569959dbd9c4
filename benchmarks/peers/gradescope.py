"""gradescope-utils: the `run_tests.py` of Gradescope's documentation on each submission.

It runs unit tests, which import the submission, in one process and writes `results.json`. This is
everything that happens inside Gradescope's container, without the container.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.peers.base import ASKED, QUESTIONS, Peer, of_peers
from benchmarks.timing import Command

_RUN = """\
import unittest

from gradescope_utils.autograder_utils.json_test_runner import JSONTestRunner

if __name__ == "__main__":
    suite = unittest.defaultTestLoader.discover("tests")
    with open("results.json", "w") as f:
        JSONTestRunner(visibility="visible", stream=f).run(suite)
"""
_HEAD = """\
import unittest

import asked
import hw2
from gradescope_utils.autograder_utils.decorators import weight


class TestHomework(unittest.TestCase):
"""
_TEST = """\

    @weight({points})
    def test_{check}(self):
        asked.{check}(hw2.{function})
"""


def prepare(folder: Path, scripts: Sequence[Path]) -> None:
    tests = [
        _TEST.format(check=check, function=function, points=points)
        for check, function, points in QUESTIONS
    ]
    for script in scripts:
        own = folder / script.stem
        (own / "tests").mkdir(parents=True)
        (own / "run_tests.py").write_text(_RUN, encoding="utf-8")
        (own / "asked.py").write_text(ASKED, encoding="utf-8")
        (own / "tests" / "test_homework.py").write_text(_HEAD + "".join(tests), encoding="utf-8")
        shutil.copyfile(script, own / "hw2.py")


def commands(folder: Path, scripts: Sequence[Path]) -> list[Command]:
    return [of_peers("python", "run_tests.py", cwd=folder / script.stem) for script in scripts]


def scores(folder: Path) -> Mapping[str, float]:
    return {
        path.parent.name: float(
            sum(test["score"] for test in json.loads(path.read_text(encoding="utf-8"))["tests"])
        )
        for path in folder.glob("*/results.json")
    }


PEER = Peer("gradescope-utils: `run_tests.py`", prepare, commands, scores)
