"""The checks that a rubric may name: the built-in ones, and those in the instructor's files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from grader.checks import accuracy, layer_counts, metric, mode_switch, pytest_file, written_answer
from grader.checks.check import Check
from grader.checks.custom.loader import checks_in
from grader.checks.groups import optimizer_groups, param_groups
from grader.errors import CheckError

CHECKS: Mapping[str, Check] = {
    check.name: check
    for check in (
        written_answer.CHECK,
        layer_counts.CHECK,
        param_groups.CHECK,
        mode_switch.CHECK,
        optimizer_groups.CHECK,
        accuracy.CHECK,
        metric.CHECK,
        pytest_file.CHECK,
    )
}


def checks_with(files: tuple[Path, ...]) -> Mapping[str, Check]:
    """The built-in checks and those in the instructor's files, by name. Raises CheckError."""
    checks = dict(CHECKS)
    for path in files:
        for check in checks_in(path):
            if check.name in checks:
                raise CheckError(f"{path}: there is a check '{check.name}' already; rename it")
            checks[check.name] = check
    return checks


def parameter_models(files: tuple[Path, ...] = ()) -> dict[str, type[BaseModel]]:
    """The model of each check's parameters by the check's name, for `grader.rubric.load`."""
    return {name: check.params for name, check in checks_with(files).items()}
