"""Under which conditions a run grades, told in plain data: what its verdicts are explained by."""

from __future__ import annotations

import inspect
import platform
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from grader import __version__
from grader.checks.registry import checks_with
from grader.records import Conditions
from grader.rubric.model import Rubric
from grader.run.fingerprint import fingerprints, ingredients
from grader.sandbox.base import Sandbox

# Of the command line, what it takes to grade the same way again, as `grader run` calls it.
_OPTIONS = {
    "sandbox_name": "--sandbox", "gpus": "--gpus", "slots_per_gpu": "--slots-per-gpu",
    "runtime": "--runtime", "base_image": "--base-image",
}
_USUAL = {"gpus": "none", "slots_per_gpu": 1}   # goes without saying


def conditions(
    rubric: Rubric,
    sandbox: Sandbox,
    gpus: Collection[str],
    gpu_share: float | None,
    options: Mapping[str, Any],
) -> Conditions:
    """What this run grades by. Paths of the command line are made absolute."""
    places = {"submissions": options.get("submissions"), "--rubric": options.get("rubric_path"),
              "--templates": options.get("templates")}
    told = {name: str(Path(place).resolve()) for name, place in places.items() if place}
    told |= {
        word: str(options[key]) for key, word in _OPTIONS.items()
        if options.get(key) not in (None, "", _USUAL.get(key))
    }
    told["--profile"] = rubric.profile
    engine = getattr(sandbox, "engine", None)   # Docker's
    versions = {
        "grader": __version__,
        "host": f"python {platform.python_version()}, {platform.system()} {platform.machine()}",
        "sandbox": f"{sandbox.name}, {sandbox.version}",
        **({"engine": f"Docker {engine.version}"} if engine is not None else {}),
    }
    dumped = rubric.model_dump(mode="json", serialize_as_any=True)
    checks, used = checks_with(rubric.own_files), {one.check for one in rubric.criteria}
    return Conditions(
        told,
        versions,
        dumped,
        {name: inspect.getdoc(checks[name].judge) or "" for name in sorted(used)},
        ingredients(rubric, sandbox, gpus, gpu_share),
        fingerprints(rubric, rubric.criteria, sandbox, gpus, gpu_share),
    )
