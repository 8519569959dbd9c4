"""A small homework of no network that the grader knows, and what grading it comes to."""

from __future__ import annotations

import textwrap
from pathlib import Path

from grader import pipeline
from grader.checks.registry import parameter_models
from grader.class_folder import hand_in
from grader.records import Grade
from grader.rubric import Rubric
from grader.rubric_file import load
from grader.sandbox.base import Sandbox
from grader.sandbox.process import ProcessSandbox

RUBRIC = """
title: "Sequences"
reference: reference
{files}
total: 4
cap: 4
profiles:
  quick:
    data: {{validation: 20, hidden: {{held_out: 20}}}}
    epochs: 1
    seconds: 5
    thresholds: [{{accuracy: 0.5, share: 1.0}}]
limits: {{seconds: {seconds}}}
criteria:
  - id: mine
    title: "What is mine"
    part: "1"
    points: 4
{criterion}
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def rubric_in(folder: Path, *, files: str = "", criterion: str, seconds: float = 30) -> Path:
    keys = textwrap.indent(textwrap.dedent(criterion).strip(), "    ")
    return write(folder, "rubric.yaml", RUBRIC.format(files=files, criterion=keys, seconds=seconds))


def read(path: Path) -> Rubric:
    return load(path, parameter_models)


def graded_by(
    rubric: Path, codes: list[str], workspace: Path, sandbox: Sandbox | None = None
) -> list[Grade]:
    """The grades of submissions of one file each; what the class is told on the way is left out."""
    setting = pipeline.set_up(
        read(rubric), [one.id for one in read(rubric).criteria], sandbox or ProcessSandbox(),
        workspace / "work", workspace / "cache", seed=1,
    )  # fmt: skip
    files = [write(workspace, f"in/hw{number}.py", code) for number, code in enumerate(codes)]
    return [pipeline.grade_one(setting, hand_in(file), lambda who, what: None) for file in files]


def graded(
    rubric: Path, code: str, workspace: Path, sandbox: Sandbox | None = None
) -> Grade:
    """The grade of one."""
    (grade,) = graded_by(rubric, [code], workspace, sandbox)
    return grade
