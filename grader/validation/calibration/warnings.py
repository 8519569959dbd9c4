"""Warns if nobody knows how often the thresholds fail a right solution, or if that has changed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from grader.checks.registry import checks_with
from grader.rubric.model import Calibration, DataSpec, Profile, Rubric
from grader.run import schedule
from grader.run.open import Say, open_sandbox
from grader.run.options import RunOptions
from grader.run.provenance.fingerprints import of_folder
from grader.run.provenance.hardware import Environment, environment
from grader.run.workspace import workspace
from grader.text import plain_line
from grader.validation.calibration import statistics


def warnings_now(rubric: Rubric, options: RunOptions, say: Say) -> list[str]:
    """Return `warnings` for the sandbox that `options` name; starts a worker if it needs one."""
    if rubric.active.calibration is None or not _judges_by_thresholds(rubric):
        return warnings(rubric, None)
    options = dataclasses.replace(options, packages=rubric.packages)
    with workspace() as folder, open_sandbox(options, folder, say) as (sandbox, gpus):
        threads = schedule.threads_each(1, rubric.limits.threads)
        return warnings(rubric, environment(sandbox, folder, rubric.limits, gpus, threads))


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
