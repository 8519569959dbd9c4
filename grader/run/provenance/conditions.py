"""Describes the conditions of a run in plain data, for the gradebook and `grader explain`."""

from __future__ import annotations

import inspect
import platform
from collections.abc import Collection
from pathlib import Path

from grader import __version__
from grader.checks.registry import checks_with
from grader.records import Conditions
from grader.rubric.model import Rubric
from grader.run.options import RunOptions
from grader.run.provenance.fingerprints import fingerprints, ingredients
from grader.run.provenance.hardware import Hardware
from grader.sandbox.base import Sandbox

# Options that are needed to grade the same way again, under the names of `grader run`.
_OPTIONS = {
    "sandbox": "--sandbox", "on": "--on", "gpu_type": "--gpu-type",
    "mixed_gpus": "--mixed-gpus", "engine_args": "--engine-args",
    "gpus": "--gpus", "slots_per_gpu": "--slots-per-gpu",
    "runtime": "--runtime", "base_image": "--base-image", "submissions": "submissions",
    "rubric_path": "--rubric", "templates": "--templates",
}
# Defaults that go without saying; the sandbox is always named.
_USUAL = RunOptions(sandbox="", on="local", mixed_gpus=False, engine_args="")


def conditions(
    rubric: Rubric,
    sandbox: Sandbox,
    hardware: Hardware,
    options: RunOptions,
    present: Collection[str] | None = None,
) -> Conditions:
    """Describe what this run grades by.

    Args:
        rubric: The rubric, with its active profile.
        sandbox: Where submissions run.
        hardware: The GPUs that are lent.
        options: How the run is carried out. Paths are recorded as absolute paths.
        present: Names of all hand-ins in the class folder. None: not known.
    """
    used = {word: getattr(options, key) for key, word in _OPTIONS.items()
            if getattr(options, key) != getattr(_USUAL, key)}
    recorded = {word: str(value.resolve() if isinstance(value, Path) else value)
                for word, value in used.items()}
    recorded["--profile"] = rubric.profile
    engine = getattr(sandbox, "engine", None)   # Docker's
    versions = {
        "grader": __version__,
        "host": f"python {platform.python_version()}, {platform.system()} {platform.machine()}",
        "sandbox": f"{sandbox.name}, {sandbox.version}",
        "hardware": str(hardware),
        **({"engine": f"Docker {engine.version}"} if engine is not None else {}),
    }
    dumped = rubric.model_dump(mode="json", serialize_as_any=True)
    checks, named = checks_with(rubric.own_files), {one.check for one in rubric.criteria}
    return Conditions(
        recorded,
        versions,
        dumped,
        {name: inspect.getdoc(checks[name].judge) or "" for name in sorted(named)},
        ingredients(rubric, sandbox, hardware),
        fingerprints(rubric, rubric.criteria, sandbox, hardware),
        None if present is None else tuple(present),
    )
