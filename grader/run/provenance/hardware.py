"""Describes the hardware and the versions that accuracies and seconds depend on."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import grader
from grader.rubric.model import Limits
from grader.run import schedule
from grader.sandbox.base import Job, Sandbox
from grader.sandbox.conversation import versions

# Patch releases of these change the result of a training; numpy's never did in our measurements.
_VERSIONS = ("python", "torch", "torchvision")


@dataclass(frozen=True)
class Environment:
    """The hardware and versions that accuracies and seconds depend on."""

    hardware: Mapping[str, str | int]
    versions: Mapping[str, str]


def environment(
    sandbox: Sandbox, folder: Path, limits: Limits, gpus: Collection[str], threads: int
) -> Environment:
    """Describe this machine, and the versions that a worker reports, which is started for that.

    Args:
        sandbox: Starts the worker.
        folder: An empty folder for the worker is created in it.
        limits: Limits of the worker.
        gpus: Device ids of the GPUs that trainings use.
        threads: Threads for each training.

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
            "threads": threads,
            "gpu": _gpu() if gpus else "none",
            "sandbox": sandbox.name,
        },
        own | {name: found[name] for name in _VERSIONS if name in found},
    )


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
