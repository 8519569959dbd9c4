"""A small class, and the real command line grading it as a process of its own, to be hurt."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.sandbox.docker import DockerSandbox, leftovers

ROOT = Path(__file__).parents[2]
RUBRIC = ROOT / "tests" / "hostile" / "rubric.yaml"
HONEST = (ROOT / "tests" / "hostile" / "honest.py").read_text(encoding="utf-8")
FULL = 10.0   # what layer-counts is worth there

# An honest student who takes a while, so that there is something to interrupt.
SLOW = HONEST.replace(
    "def layer_parameter_counts(model):",
    "def layer_parameter_counts(model):\n    import time\n    time.sleep(2)",
)


def a_class(folder: Path, students: int, code: str = HONEST) -> Path:
    """A folder of submissions that all deserve full marks."""
    folder.mkdir()
    for number in range(students):
        (folder / f"student{number:02}.py").write_text(code, encoding="utf-8")
    return folder


@dataclass
class Grader:
    """`grader run`, running. `said` grows as it speaks."""

    process: subprocess.Popen[str]
    out: Path
    said: list[str] = field(default_factory=list)

    def wait_for(self, pattern: str, seconds: float = 120) -> str:
        """The first line that matches; fails when it ends or takes longer."""
        assert self.process.stdout is not None
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            line = self.process.stdout.readline()
            if not line:
                break
            self.said.append(line.rstrip("\n"))
            if re.search(pattern, line):
                return line
        raise AssertionError(f"no line matches {pattern!r} in:\n" + "\n".join(self.said))

    def end(self, seconds: float = 300) -> int:
        """Wait for its end; the exit code."""
        assert self.process.stdout is not None
        rest, _ = self.process.communicate(timeout=seconds)
        self.said += rest.splitlines()
        return self.process.returncode

    def kill(self) -> None:
        """Kills it like the kernel does when memory is short: no handler runs."""
        self.process.kill()
        self.end()

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    @property
    def text(self) -> str:
        return "\n".join(self.said)

    @property
    def finished(self) -> set[str]:
        """The students that it said it had graded."""
        return set(re.findall(r"^\[\d+/\d+\] (\w+): graded", self.text, re.MULTILINE))


@contextmanager
def grading(
    submissions: Path, out: Path, *more: str, **environment: str
) -> Iterator[Grader]:
    """Start it, with more words and a changed environment. It is dead when the context ends."""
    words = [
        sys.executable, "-m", "grader", "run", str(submissions), "--rubric", str(RUBRIC),
        "--criterion", "layer-counts", "--out", str(out), "--jobs", "2", *more,
    ]
    process = subprocess.Popen(
        words, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | environment,
    )
    try:
        yield Grader(process, out)
    finally:
        process.kill()
        process.communicate()


def verdicts(out: Path) -> list[tuple[str, str, str]]:
    """(student, criterion, status) of every verdict in the gradebook, as they came."""
    if not (out / "gradebook.sqlite").exists():
        return []
    with closing(sqlite3.connect(out / "gradebook.sqlite")) as book:
        if not book.execute("select 1 from sqlite_master where name = 'verdicts'").fetchone():
            return []
        return [
            (student, criterion, json.loads(verdict)["status"])
            for student, criterion, verdict in book.execute(
                "select s.student, v.criterion, v.verdict from verdicts v"
                " join submissions s on s.id = v.submission order by v.id"
            )
        ]


def marks(out: Path) -> dict[str, float | None]:
    """Points by student, as in grades.json."""
    document: dict[str, Any] = json.loads((out / "grades.json").read_text(encoding="utf-8"))
    return {
        one["student"]: one["criteria"][0]["points"] for one in document["submissions"]
    }


def containers(sandbox: DockerSandbox, *graders: Grader) -> list[str]:
    """Names and states of the containers that these graders have made."""
    owners = {str(grader.process.pid) for grader in graders}
    found = sandbox.engine.api.containers(all=True, filters={"label": leftovers.OWNER})
    return [
        f"{one['Names'][0]} ({one['State']})"
        for one in found
        if one["Labels"][leftovers.OWNER].partition("@")[0] in owners
    ]


def eventually(true: Callable[[], bool], seconds: float = 15) -> bool:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
