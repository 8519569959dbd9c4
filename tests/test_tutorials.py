"""The tutorials, done as they stand there, with the grader that is installed from its wheel.

A block of `console` has commands after `$ ` and what they print; `...` stands for anything. Another
block whose first line is `# NAME` is a file to write. `<!-- exit 1 -->` before a block says how its
last command ends, `<!-- $ COMMAND -->` what somebody else did before. All of it happens in one
empty folder, in the order of the page.

Two things are not as on a reader's machine. `check.py` would fetch torch: what it runs once it is
set up is run in its place, and `grader release` leaves its trial of the bundle out. What opens an
address is not a browser but `a_marker.py`, who marks.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.installed import Installed

DOCS = Path(__file__).parent.parent / "docs"
MARKER = Path(__file__).parent / "marking" / "a_marker.py"
_BLOCK = re.compile(
    r"^<!-- \$ (?P<before>[^\n]+) -->$"
    r"|(?:<!-- exit (?P<code>\d+) -->\n+)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.M
)
_CHECK = ("python check.py", "grader check --rubric grading/rubric.yaml")


@dataclass(frozen=True)
class Command:
    """A command, its expected output and its exit code."""

    words: str
    prints: str
    code: int = 0


@dataclass(frozen=True)
class File:
    name: str
    text: str


PAGES = ["tutorial-instructor", "tutorial-student", "tutorial-ci", "tutorial-own"]


@pytest.mark.parametrize("page", PAGES)
def test_a_tutorial_works_as_it_is_written(page: str, installed: Installed, tmp_path: Path) -> None:
    folder, environment = tmp_path, installed.environment(tmp_path)
    environment["GRADER_RELEASE_TRIAL"] = "0"
    environment["EXAMPLES"] = str(DOCS.parent / "examples")
    environment["PATH"] = os.pathsep.join([str(a_browser(tmp_path / "bin")), environment["PATH"]])
    for step in steps(page):
        if isinstance(step, File):
            (folder / step.name).parent.mkdir(parents=True, exist_ok=True)
            (folder / step.name).write_text(step.text, encoding="utf-8")
        elif step.words.startswith("cd "):
            folder /= step.words.removeprefix("cd ")
        else:
            ran = subprocess.run(
                ["bash", "-c", step.words.replace(*_CHECK)], cwd=folder, env=environment,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
                check=False,
            )  # fmt: skip
            assert ran.returncode == step.code, f"$ {step.words}\n{ran.stdout}"
            assert matches(step.prints, ran.stdout), f"$ {step.words}\n{ran.stdout}"


def a_browser(folder: Path) -> Path:
    """A folder with what Linux and macOS open an address with: here somebody who marks."""
    folder.mkdir()
    for name in ("xdg-open", "open"):
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" "{MARKER}" "$1"\n')
        (folder / name).chmod(0o755)
    return folder


def steps(page: str) -> Iterator[Command | File]:
    """The steps of a reader, in order."""
    for block in _BLOCK.finditer((DOCS / f"{page}.md").read_text(encoding="utf-8")):
        if block["before"]:
            yield Command(block["before"], "...")
            continue
        text, code = block["text"], int(block["code"] or 0)
        if block["kind"] == "console":
            commands = re.split(r"^\$ ", text, flags=re.M)[1:]
            for number, one in enumerate(commands, 1):
                words, _, prints = one.partition("\n")
                yield Command(words, prints, code if number == len(commands) else 0)
        elif text.startswith("# "):
            name, _, rest = text.removeprefix("# ").partition("\n")
            yield File(name, rest)


def matches(wanted: str, printed: str) -> bool:
    """Compares an output with the page's, without regard to line breaks; `...` matches anything."""
    pieces = (re.escape(" ".join(piece.split())) for piece in wanted.split("..."))
    return re.search(".*".join(pieces), " ".join(printed.split())) is not None
