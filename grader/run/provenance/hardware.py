"""Describes the hardware and the versions that accuracies and seconds depend on."""

from __future__ import annotations

import platform
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
class Hardware:
    """The GPUs of a run, as far as its results depend on them.

    Attributes:
        gpus: GPUs are lent.
        models: Their models, each once and sorted; empty if there are none or they are not known.
        share: The fraction of a GPU's memory for each training; None: no limit.
    """

    gpus: bool = False
    models: tuple[str, ...] = ()
    share: float | None = None

    @property
    def plain(self) -> list[object]:
        """Plain data for a digest. Without models it is what earlier graders stored."""
        return [list(self.models) or self.gpus, self.share]

    def __str__(self) -> str:
        """Name the GPUs."""
        if not self.gpus:
            return "no GPU"
        return ", ".join(self.models) or "a GPU of unknown model"


NO_GPU = Hardware()


def hardware_of(sandbox: Sandbox, gpus: Collection[str], share: float | None) -> Hardware:
    """Describe the GPUs that a run lends.

    Args:
        sandbox: Where submissions run; it is asked for the models.
        gpus: Device ids of the GPUs; empty for none.
        share: The fraction of a GPU's memory for each training; None: no limit.
    """
    return Hardware(bool(gpus), sandbox.gpu_models(gpus) if gpus else (), share)


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
            "gpu": (", ".join(sandbox.gpu_models(gpus)) or "unknown") if gpus else "none",
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
