"""Under which circumstances figures were measured, and whether they still are those of today."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import grader
from grader.checks.registry import checks_with
from grader.rubric.model import Calibration, DataSpec, Limits, Profile, Rubric
from grader.run import schedule
from grader.run.open import Say, open_sandbox
from grader.run.options import RunOptions
from grader.run.provenance.fingerprints import of_folder
from grader.run.workspace import workspace
from grader.sandbox.base import Job, Sandbox
from grader.sandbox.conversation import versions
from grader.text import plain_line
from grader.validation.calibration import statistics

# Patches of these change what a training comes to; of numpy none that was ever seen does.
_VERSIONS = ("python", "torch", "torchvision")


@dataclass(frozen=True)
class Environment:
    """What accuracies and seconds depend on beside the rubric."""

    hardware: Mapping[str, str | int]
    versions: Mapping[str, str]


def environment(
    sandbox: Sandbox, folder: Path, limits: Limits, gpus: Collection[str], turns: int
) -> Environment:
    """Those of this machine, and of a worker that is started to be asked, in a new folder within
    `folder`. Raises SandboxError."""
    nothing = folder / "nothing"
    nothing.mkdir()
    nothing.chmod(0o755)   # a container's user is another one
    told = versions(sandbox, Job("versions", nothing, (), limits), gpus)
    own = {"grader": grader.__version__}
    return Environment(
        {
            "processor": _processor(),
            "cores": schedule.cores(),
            "threads": schedule.threads_each(turns),
            "gpu": _gpu() if gpus else "none",
            "sandbox": sandbox.name,
        },
        own | {name: told[name] for name in _VERSIONS if name in told},
    )


def warnings_now(rubric: Rubric, options: RunOptions, say: Say) -> list[str]:
    """`warnings` by what `options` of the command line name; starts a worker where it has to."""
    if rubric.active.calibration is None or not _judges_by_thresholds(rubric):
        return warnings(rubric, None)
    with workspace() as folder, open_sandbox(options, folder, say) as (sandbox, gpus):
        return warnings(rubric, environment(sandbox, folder, rubric.limits, gpus, turns=1))


def warnings(rubric: Rubric, now: Environment | None) -> list[str]:
    """A line for each reason why nobody knows how often the active profile's thresholds fail a
    right solution, with what to run; [] where it is known. `now` None: the machine is not looked
    at."""
    if not _judges_by_thresholds(rubric):
        return []
    name, profile = rubric.profile, rubric.active
    found = profile.calibration
    run = f"run `grader calibrate --profile {name} --write evidence`"
    if found is None:
        return [f"profile '{name}': nothing says how often its thresholds fail a right solution: "
                f"{run}"]
    told = [
        f"profile '{name}': its thresholds were calibrated on {found.date} with {what}: {run}"
        for what in (*_of_the_homework(rubric, found), *_of_the_machine(found, now))
    ]
    return told + _of_the_risk(name, profile, found)


def data_in_words(spec: DataSpec) -> str:
    """The dataset and its split, the same on every machine."""
    hidden = spec.hidden.images.name if spec.hidden.images else f"{spec.hidden.held_out} hidden"
    limit = f", {spec.limit_train} for training" if spec.limit_train else ""
    return f"{spec.source}, {hidden}, {spec.validation} for validation, seed {spec.seed}{limit}"


def solution_digest(path: Path) -> str:
    return of_folder(path)[:16]


def _judges_by_thresholds(rubric: Rubric) -> bool:
    checks = checks_with(rubric.own_files)
    return any(checks[one.check].thresholds for one in rubric.criteria)


def _of_the_homework(rubric: Rubric, found: Calibration) -> list[str]:
    profile = rubric.active
    told = []
    if found.epochs != profile.epochs:
        told.append(f"{found.epochs} epochs, and the profile has {profile.epochs}")
    if found.data != data_in_words(profile.data):
        told.append(f"other data ({found.data}), and the profile has "
                    f"{data_in_words(profile.data)}")
    reference = next((one for one in found.runs if one.solution == "reference"), None)
    if reference is not None and reference.digest != solution_digest(rubric.reference):
        told.append("another reference solution")
    return told


def _of_the_machine(found: Calibration, now: Environment | None) -> list[str]:
    if now is None:
        return []
    then = {**found.hardware, **found.versions}
    today = {**now.hardware, **now.versions}
    return [
        f"{key} {plain_line(str(then[key]))}, and here it is {today[key]}"
        for key in then
        if key in today and key != "threads" and str(then[key]) != str(today[key])
    ]


def _of_the_risk(name: str, profile: Profile, found: Calibration) -> list[str]:
    full = profile.thresholds[0].accuracy
    worst = max(
        (
            (statistics.fit(one.correct, found.hidden).below(full, found.confidence).upper, one)
            for one in found.runs
        ),
        key=lambda pair: pair[0],
    )
    if worst[0] <= found.risk:
        return []
    return [
        f"profile '{name}': the threshold of {full:g} may fail a right solution "
        f"({worst[1].solution}) with a chance of up to {worst[0]:.2g}, which is more than "
        f"{found.risk:g}: lower it, or see what `grader calibrate --profile {name}` proposes"
    ]


def _processor() -> str:
    """The name that the processor gives itself, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def _gpu() -> str:
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return "of a name that nvidia-smi did not tell"
    return ", ".join(sorted(set(said.stdout.split("\n")) - {""}))
