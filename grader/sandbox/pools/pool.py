"""The interface of a pool of machines. `grader run --on NAME` opens one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from grader.errors import UsageError
from grader.rubric.model import Limits
from grader.sandbox.base import Sandbox
from grader.sandbox.docker.image import short_id

UNKNOWN = "unknown"   # a GPU's model, where neither its driver nor the pool names it


@dataclass(frozen=True)
class Capacity:
    """How much runs at a time on all machines of a pool.

    Attributes:
        jobs: Submissions without a GPU.
        gpus: GPUs. Which one a worker gets is the pool's decision, so their ids are tickets.
    """

    jobs: int
    gpus: int

    @property
    def tickets(self) -> tuple[str, ...]:
        """Ids for `grader.run.schedule.Slots`, one for each GPU."""
        return tuple(f"gpu-{number}" for number in range(self.gpus))


@dataclass(frozen=True)
class NodeReport:
    """One machine of a pool, as it describes itself.

    Attributes:
        name: The machine's name in the pool.
        cpus: Processor cores that the pool may use there.
        memory_mib: Memory that the pool may use there, in MiB.
        gpus: Model name of each GPU, or UNKNOWN.
        image: Id of the worker's image there; None: workers need no image, or it has none yet.
        problems: Reasons why no worker can run there, each with what to do about it.
        warnings: What is not limited or hidden there as in a container, and what was not tried.
    """

    name: str
    cpus: float
    memory_mib: int
    gpus: tuple[str, ...] = ()
    image: str | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Pool(Protocol):
    """Machines that start workers. Only `open` and `close` change anything."""

    @property
    def name(self) -> str:
        """The name that `--on` takes and reports show."""
        ...

    def open(self, folder: Path, say: Callable[[str], None], stop: threading.Event) -> Sandbox:
        """Connect to the machines and return a sandbox that starts workers on them.

        Args:
            folder: A scratch folder of this run, on this machine.
            say: Called with what the instructor should know.
            stop: Once set, a worker that still waits for a machine is not started any more.

        Raises:
            EngineMissing: The pool, or an engine on a node, does not answer.
            UsageError: The pool is not safe to use, or its nodes differ; the message names them.
        """
        ...

    def capacity(self, limits: Limits, slots_per_gpu: int) -> Capacity:
        """Return how much the open pool holds at a time.

        Args:
            limits: The rubric's limits for each worker.
            slots_per_gpu: Trainings that share one GPU; 0: no GPU is lent.

        Raises:
            UsageError: No machine has room for a single worker.
        """
        ...

    def probe(self) -> tuple[NodeReport, ...]:
        """Return a report of each machine. Connects to the pool if it is not open."""
        ...

    def close(self) -> None:
        """End what runs or waits, on every machine. It may be called more than once."""
        ...


def capacity_of(reports: Iterable[NodeReport], limits: Limits, slots_per_gpu: int) -> Capacity:
    """Return how much these machines hold at a time; no worker is divided among machines.

    Args:
        reports: The machines.
        limits: The rubric's limits for each worker.
        slots_per_gpu: Trainings that share one GPU; 0: no GPU is lent.

    Raises:
        UsageError: No machine has room for a single worker.
    """
    jobs = gpus = 0
    seen = []
    for one in reports:
        seen.append(f"{one.name}: {one.cpus:g} CPUs, {one.memory_mib} MiB")
        room = int(min(one.cpus // limits.cpus, one.memory_mib // limits.memory_mib))
        lent = min(len(one.gpus), room // slots_per_gpu) if slots_per_gpu else 0
        jobs += room - lent * slots_per_gpu
        gpus += lent
    if not jobs and not gpus:
        raise UsageError(
            f"no machine has {limits.cpus:g} CPUs and {limits.memory_mib} MiB, which the rubric's"
            f" limits give one submission ({'; '.join(seen) or 'the pool is empty'}): lower"
            " limits.cpus or limits.memory_mib, or add a larger machine"
        )
    return Capacity(max(1, jobs), gpus)


def reasons_to_refuse(
    reports: Sequence[NodeReport], mixed_gpus: bool
) -> list[tuple[str, str]]:
    """Return why these machines may not grade one class, as (name of a machine, its reason).

    Args:
        reports: The machines.
        mixed_gpus: GPUs of different models are allowed, or none is lent.
    """
    found = [(one.name, problem) for one in reports for problem in one.problems]
    images = Counter(one.image for one in reports if one.image is not None)
    if len(images) > 1:
        usual = images.most_common(1)[0][0]
        like = next(one.name for one in reports if one.image == usual)
        found += [
            (one.name, f"its worker's image is {short_id(str(one.image))}, and that of {like} is"
             f" {short_id(str(usual))}, although both have the same name: load the same image on"
             " all machines (`docker save` on one, `docker load` on the others)")
            for one in reports if one.image not in (None, usual)
        ]  # fmt: skip
    models = Counter(model for one in reports for model in one.gpus)
    if len(models) > 1 and not mixed_gpus:
        usual_gpu = models.most_common(1)[0][0]
        found += [
            (one.name, f"its GPU is {', '.join(sorted(set(one.gpus)))}, and others are"
             f" {usual_gpu}; accuracies and times differ between models: choose one with"
             " --gpu-type, or allow all with --mixed-gpus")
            for one in reports if set(one.gpus) - {usual_gpu}
        ]  # fmt: skip
    return found
