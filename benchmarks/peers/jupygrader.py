"""jupygrader: `jupy grade` on all notebooks, one command."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.peers.base import Peer, of_peers
from benchmarks.peers.notebooks import write_notebook
from benchmarks.timing import Command

_RESULT = "-graded-result.json"


def prepare(folder: Path, scripts: Sequence[Path]) -> None:
    for script in scripts:
        write_notebook(
            _notebook(folder, script),
            script,
            lambda check, points: f"_test_case = '{check}'\n_points = {points}\n\n",
            lambda check, points: {},
        )


def commands(folder: Path, scripts: Sequence[Path]) -> list[Command]:
    notebooks = [_notebook(folder, script) for script in scripts]
    return [of_peers("jupy", "grade", *notebooks, cwd=folder)]


def scores(folder: Path) -> Mapping[str, float]:
    return {
        path.name.removesuffix(_RESULT): float(
            json.loads(path.read_text(encoding="utf-8"))["learner_autograded_score"]
        )
        for path in folder.rglob(f"*{_RESULT}")
    }


def _notebook(folder: Path, script: Path) -> Path:
    return folder / f"{script.stem}.ipynb"


PEER = Peer("jupygrader: `jupy grade`", prepare, commands, scores)
