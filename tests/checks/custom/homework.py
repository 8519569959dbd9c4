"""A small homework without any built-in check, and helpers that grade it."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grader.checks.registry import parameter_models
from grader.records import Evidence, Grade, Question
from grader.rubric.load import load
from grader.rubric.model import Limits, Rubric
from grader.run.cache.recall import Recall
from grader.run.pytest_session import examine
from grader.run.setup import RunSetup, set_up
from grader.sandbox.base import Job, Sandbox
from grader.sandbox.process import ProcessSandbox
from tests.factories import grade_file, write_files

RUBRIC = """
title: "Sequences"
reference: reference
{files}
total: {total}
cap: {total}
profiles:
  quick:
    data: {{validation: 20, hidden: {{held_out: 20}}}}
    epochs: 1
    seconds: 5
    thresholds: [{{accuracy: 0.5, share: 1.0}}]
criteria:
{criteria}
"""


def write(folder: Path, name: str, text: str) -> Path:
    return write_files(folder, {name: textwrap.dedent(text)}) / name


def rubric_in(folder: Path, *criteria: str, files: str = "") -> Path:
    """A rubric with these criteria, four points each: `mine`, `mine-1` and so on."""
    listed = [
        f'  - id: mine{f"-{number}" if number else ""}\n    title: "What is mine"\n    part: "1"\n'
        "    points: 4\n" + textwrap.indent(textwrap.dedent(keys).strip(), "    ")
        for number, keys in enumerate(criteria)
    ]
    text = RUBRIC.format(files=files, total=4 * len(listed), criteria="\n".join(listed))
    return write(folder, "rubric.yaml", text)


def read(path: Path) -> Rubric:
    return load(path, parameter_models)


def setup_of(
    rubric: Path, workspace: Path, sandbox: Sandbox | None = None, recall: Recall | None = None
) -> RunSetup:
    """The setup of a run on all criteria."""
    return set_up(
        read(rubric), [one.id for one in read(rubric).criteria], sandbox or ProcessSandbox(),
        workspace / "work", workspace / "cache", recall=recall, seed=1,
    )  # fmt: skip


def graded_by(
    rubric: Path, codes: list[str], workspace: Path, sandbox: Sandbox | None = None
) -> list[Grade]:
    """The grades of submissions of one file each, without the run's output."""
    setup = setup_of(rubric, workspace, sandbox)
    files = [write(workspace, f"in/hw{number}.py", code) for number, code in enumerate(codes)]
    return [grade_file(setup, file) for file in files]


def graded(
    rubric: Path, code: str, workspace: Path, sandbox: Sandbox | None = None
) -> Grade:
    """The grade of one submission."""
    (grade,) = graded_by(rubric, [code], workspace, sandbox)
    return grade


def examined(
    folder: Path, tests: str, code: str, sandbox: Sandbox | None = None, seconds: float = 20
) -> Evidence:
    """The results of a file of tests for a submission of one file."""
    file = write(folder, "test_hw.py", tests)
    write(folder, "student/hw.py", code)
    for path in (folder.parent, folder, folder / "student", folder / "student" / "hw.py"):
        path.chmod(0o755)   # a container's user is another one
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    question = Question("tests", "pytest", {"tests": digest}, "tests", seconds, tests=file)
    job = Job("student", folder / "student", (question,), Limits())
    (evidence,) = examine(sandbox or ProcessSandbox(), job)
    return evidence


def found(evidence: Evidence) -> dict[str, tuple[str, str]]:
    """Status and message of each test."""
    return {test["name"]: (test["status"], test["message"]) for test in evidence.value["tests"]}


class Overheard(ProcessSandbox):
    """A process sandbox that keeps every byte that goes into it."""

    def __init__(self) -> None:
        super().__init__()
        self.started = 0
        self.said = bytearray()

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str] = ()) -> Iterator[Any]:
        with super().start(job, gpus) as worker:
            self.started += 1
            write: Any = worker.write

            def overheard(data: bytes) -> None:
                self.said += data
                write(data)

            worker.write = overheard   # type: ignore[method-assign]  # to listen
            yield worker

