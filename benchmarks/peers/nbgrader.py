"""nbgrader: `nbgrader autograde` on a course folder with all submissions, one command.

`nbgrader generate_assignment` makes the assignment before, and `nbgrader export` reads the marks
afterwards; neither is timed.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.peers.base import Peer, of_peers
from benchmarks.peers.notebooks import Metadata, write_notebook
from benchmarks.timing import Command, run

_ASSIGNMENT = "hw2"
_CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "benchmark"
c.CourseDirectory.root = {root!r}
"""


def prepare(folder: Path, scripts: Sequence[Path]) -> None:
    config = _CONFIG.format(root=folder.as_posix())
    (folder / "nbgrader_config.py").write_text(config, encoding="utf-8")
    targets = [folder / "source" / _ASSIGNMENT] + [
        folder / "submitted" / script.stem / _ASSIGNMENT for script in scripts
    ]
    for target, script in zip(targets, (scripts[0], *scripts), strict=True):
        write_notebook(target / "hw2.ipynb", script, lambda check, points: "", _metadata)
    run(of_peers("nbgrader", "generate_assignment", _ASSIGNMENT, cwd=folder))


def commands(folder: Path, scripts: Sequence[Path]) -> list[Command]:
    return [of_peers("nbgrader", "autograde", _ASSIGNMENT, cwd=folder)]


def scores(folder: Path) -> Mapping[str, float]:
    run(of_peers("nbgrader", "export", cwd=folder))
    with (folder / "grades.csv").open(encoding="utf-8", newline="") as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


def _metadata(name: str, points: int) -> Metadata:
    cell = {
        "schema_version": 3, "grade_id": name, "cell_type": "code", "grade": points > 0,
        "solution": points == 0, "locked": points > 0, "task": False,
    }  # fmt: skip
    return {"nbgrader": cell | ({"points": points} if points else {})}


PEER = Peer("nbgrader: `nbgrader autograde`", prepare, commands, scores)
