"""The interface of a peer: how to write its input, how to run it, how to read its scores."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.timing import ROOT, Command, command

VENV = ROOT / ".venv-peers"
BIN = VENV / ("Scripts" if sys.platform == "win32" else "bin")
ASKED = (Path(__file__).parent / "asked.py").read_text(encoding="utf-8")
# The three tests: the check in asked.py, the student's function, the points.
QUESTIONS = (
    ("check_layer_counts", "layer_parameter_counts", 3),
    ("check_parameter_groups", "group_parameters", 5),
    ("check_optimizer_groups", "make_optimizer", 6),
)


@dataclass(frozen=True)
class Peer:
    """One autograder.

    Attributes:
        name: Its name and the command.
        prepare: `prepare(folder, scripts)` writes its input into the new folder; not timed.
        commands: `commands(folder, scripts)` returns the commands, timed one after the other.
        scores: `scores(folder)` reads the scores, by the script's name without its suffix.
    """

    name: str
    prepare: Callable[[Path, Sequence[Path]], None]
    commands: Callable[[Path, Sequence[Path]], list[Command]]
    scores: Callable[[Path], Mapping[str, float]]


def of_peers(program: str, *arguments: str | Path, cwd: Path) -> Command:
    """Return a command of the peers' environment, activated, since some start others in it."""
    plain = command(BIN / program, *arguments, cwd=cwd)
    activated = {
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}", "VIRTUAL_ENV": str(VENV)
    }  # fmt: skip
    return dataclasses.replace(plain, environment=activated)
