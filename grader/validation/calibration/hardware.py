"""Records the hardware and versions of a calibration, and warns if today's are others."""

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

# Patch releases of these change the result of a training; numpy's never did in our measurements.
_VERSIONS = ("python", "torch", "torchvision")


@dataclass(frozen=True)
class Environment:
    """The hardware and versions that accuracies and seconds depend on."""

    hardware: Mapping[str, str | int]
    versions: Mapping[str, str]


def environment(
    sandbox: Sandbox, folder: Path, limits: Limits, gpus: Collection[str], turns: int
) -> Environment:
    """Describe this machine, and the versions that a worker reports, which is started for that.

    Args:
        sandbox: Starts the worker.
        folder: An empty folder for the worker is created in it.
        limits: Limits of the worker.
        gpus: Device ids of the GPUs that trainings use.
        turns: Number of trainings that run at the same time.

    Raises:
        SandboxError: The worker did not start.
    """
    nothing = folder / "nothing"
    nothing.mkdir()
    nothing.chmod(0o755)   # a container's user is another one
    found = versions(sandbox, Job("versions", nothing, (), limits), gpus)
    own = {"grader": grader.__version__}
    return Environment(
        {
            "processor": _processor(),
            "cores": schedule.cores(),
            "threads": schedule.threads_each(turns),
            "gpu": _gpu() if gpus else "none",
            "sandbox": sandbox.name,
        },
        own | {name: found[name] for name in _VERSIONS if name in found},
    )


def warnings_now(rubric: Rubric, options: RunOptions, say: Say) -> list[str]:
    """Return `warnings` for the sandbox that `options` name; starts a worker if it needs one."""
    if rubric.active.calibration is None or not _judges_by_thresholds(rubric):
        return warnings(rubric, None)
    with workspace() as folder, open_sandbox(options, folder, say) as (sandbox, gpus):
        return warnings(rubric, environment(sandbox, folder, rubric.limits, gpus, turns=1))


def warnings(rubric: Rubric, now: Environment | None) -> list[str]:
    """List the reasons why it is unknown how often chance fails a right solution.

    Args:
        rubric: Its active profile is looked at.
        now: Today's hardware and versions; None: these are not compared.

    Returns:
        A line for each reason, with the command to run; [] if the calibration still applies.
    """
    if not _judges_by_thresholds(rubric):
        return []
    name, profile = rubric.profile, rubric.active
    found = profile.calibration
    run = f"run `grader calibrate --profile {name} --write evidence`"
    if found is None:
        return [f"profile '{name}': it is unknown how often its thresholds fail a right solution: "
                f"{run}"]
    lines = [
        f"profile '{name}': its thresholds were calibrated on {found.date} with {what}: {run}"
        for what in (*_of_the_homework(rubric, found), *_of_the_machine(found, now))
    ]
    return lines + _of_the_risk(name, profile, found)


def data_in_words(spec: DataSpec) -> str:
    """Describe the data set and its split, in the same words on every machine."""
    hidden = spec.hidden.images.name if spec.hidden.images else f"{spec.hidden.held_out} hidden"
    limit = f", {spec.limit_train} for training" if spec.limit_train else ""
    return f"{spec.source}, {hidden}, {spec.validation} for validation, seed {spec.seed}{limit}"


def solution_digest(path: Path) -> str:
    """Return 16 hex digits of a digest of the solution's files."""
    return of_folder(path)[:16]


def _judges_by_thresholds(rubric: Rubric) -> bool:
    checks = checks_with(rubric.own_files)
    return any(checks[one.check].thresholds for one in rubric.criteria)


def _of_the_homework(rubric: Rubric, found: Calibration) -> list[str]:
    profile = rubric.active
    changed = []
    if found.epochs != profile.epochs:
        changed.append(f"{found.epochs} epochs, and the profile has {profile.epochs}")
    if found.data != data_in_words(profile.data):
        changed.append(f"other data ({found.data}), and the profile has "
                       f"{data_in_words(profile.data)}")
    reference = next((one for one in found.runs if one.solution == "reference"), None)
    if reference is not None and reference.digest != solution_digest(rubric.reference):
        changed.append("another reference solution")
    return changed


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
    """Return the processor's model name, or what the platform calls it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def _gpu() -> str:
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown, since nvidia-smi failed"
    return ", ".join(sorted(set(done.stdout.split("\n")) - {""}))
