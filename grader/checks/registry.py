"""The checks that a rubric may name."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from grader.checks import (
    accuracy,
    layer_counts,
    mode_switch,
    optimizer_groups,
    param_groups,
    written,
)
from grader.checks.base import Check

CHECKS: Mapping[str, Check] = {
    check.name: check
    for check in (
        written.CHECK,
        layer_counts.CHECK,
        param_groups.CHECK,
        mode_switch.CHECK,
        optimizer_groups.CHECK,
        accuracy.CHECK,
    )
}


def parameter_models() -> dict[str, type[BaseModel]]:
    """The model of each check's parameters, for `rubric_file.load`."""
    return {name: check.params for name, check in CHECKS.items()}
