"""Slurm as a pool of machines: checks how it is set up, and counts what its nodes hold.

docs/cluster.md says what a cluster must have, and what Slurm's workers lack beside containers.
"""

from __future__ import annotations

import os
import secrets
import shlex
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.errors import EngineMissing, SandboxError, UsageError
from grader.rubric.model import Limits
from grader.sandbox.base import Job
from grader.sandbox.conversation import versions
from grader.sandbox.pools import slurm_commands as slurm
from grader.sandbox.pools.launchers import Apptainer, Bubblewrap, Launcher
from grader.sandbox.pools.pool import Capacity, NodeReport, capacity_of, reasons_to_refuse
from grader.sandbox.pools.slurm_nodes import examined
from grader.sandbox.pools.slurm_sandbox import SlurmSandbox
from grader.text import counted

_PATIENCE = 20.0   # seconds in the queue until the instructor is told why
_SMALL = Limits(cpus=1, memory_mib=2048)   # of the first job, which only starts a worker


@dataclass
class SlurmPool:
    """A `grader.sandbox.pools.pool.Pool` of Slurm's nodes.

    Attributes:
        gpus: GPUs are lent.
        gpu_type: Slurm's name of a GPU's model, such as "a100"; None: every model.
        mixed_gpus: Different models may grade one class.
        engine_args: Further options of `srun`, such as "--partition=gpu --account=cs101".
        image: An image file for Apptainer; None: bubblewrap and this machine's Python.
    """

    gpus: bool = False
    gpu_type: str | None = None
    mixed_gpus: bool = False
    engine_args: str = ""
    image: Path | None = None
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    name: str = "slurm"

    def __post_init__(self) -> None:
        self._sandbox: SlurmSandbox | None = None

    def open(self, folder: Path, say: Callable[[str], None], stop: threading.Event) -> SlurmSandbox:
        """Check the cluster, start one worker to see that it works, and return the sandbox."""
        if os.geteuid() == 0:
            raise UsageError(
                "--on slurm: Slurm runs jobs as the user who sends them, and students' code must "
                "not run as root: run `grader` as another user"
            )
        slurm.require()
        reports = self._reports()
        if refused := reasons_to_refuse(reports, self.mixed_gpus or not self.gpus):
            raise UsageError(
                "--on slurm: these machines may not grade a class together:\n"
                + "\n".join(f"  {name}: {reason}" for name, reason in refused)
            )
        if not reports:
            raise UsageError("--on slurm: no node of the partition is up: `sinfo -N` shows them")
        own = folder / "slurm"
        own.mkdir()
        launcher = self._launcher(own)
        for line in (*launcher.unkept, *unheld(slurm.settings(), self.gpus)):
            say(f"Not as in a container: {line}.")
        say(f"Grading on {counted(len(reports), 'machine')}: {', '.join(o.name for o in reports)}.")
        self._sandbox = SlurmSandbox(
            launcher, own, self.run, self._options(), stop, self.gpu_type,
            [model for one in reports for model in one.gpus],
        )
        self._try_out(self._sandbox, own, say)
        return self._sandbox

    def capacity(self, limits: Limits, slots_per_gpu: int) -> Capacity:
        """Return how much the nodes hold at a time; what others use of them is waited for."""
        if slots_per_gpu > 1:
            raise UsageError(
                f"--slots-per-gpu {slots_per_gpu}: Slurm lends a whole GPU to each job; leave it 1"
            )
        return capacity_of(self._reports(), limits, slots_per_gpu)

    def probe(self) -> tuple[NodeReport, ...]:
        """Return a report of each node, with what a short job on it finds missing."""
        slurm.require()
        warnings = unheld(slurm.settings(), gpus=True)
        with tempfile.TemporaryDirectory(prefix="grader-probe-") as place:
            folder = Path(place)
            launcher = self._launcher(folder)
            return tuple(
                examined(report, launcher, (*launcher.unkept, *warnings), self._options())
                for report in self._reports()
            )

    def close(self) -> None:
        """End every job of this run."""
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None

    def _options(self) -> list[str]:
        return shlex.split(self.engine_args)

    def _launcher(self, folder: Path) -> Launcher:
        return Bubblewrap.prepared(folder) if self.image is None else Apptainer(self.image)

    def _reports(self) -> tuple[NodeReport, ...]:
        """Return a report of each node that is up, with the GPUs of the wanted model only."""
        partition = slurm.value_of(self._options(), "partition", "p")
        try:
            found = slurm.nodes(partition or os.environ.get("SLURM_PARTITION"))
        except SandboxError as error:
            raise EngineMissing(f"--on slurm: {error}") from None
        reports = (NodeReport(o.name, o.cpus, o.memory_mib, o.gpus) for o in found if o.is_up)
        return tuple(
            replace(one, gpus=tuple(g for g in one.gpus if self.gpu_type in (None, g)))
            for one in reports
        )

    def _try_out(self, sandbox: SlurmSandbox, folder: Path, say: Callable[[str], None]) -> None:
        """Start a worker: the folders are shared, Python starts, and the launcher works."""
        empty = folder / "nothing"
        empty.mkdir()
        try:
            with self._told_why_it_waits(say):
                versions(sandbox, Job("the first job", empty, (), _SMALL))
        except SandboxError as error:
            raise EngineMissing(f"--on slurm: no worker starts: {error}") from None

    @contextmanager
    def _told_why_it_waits(self, say: Callable[[str], None]) -> Iterator[None]:
        def tell() -> None:
            try:
                why = slurm.run("squeue", "-h", f"--name=grader-{self.run}", "-t", "PD", "-o", "%r")
            except SandboxError:
                return
            if why.strip():
                say(f"The first job waits in Slurm's queue: {why.strip()}. Ctrl-C ends it.")

        timer = threading.Timer(_PATIENCE, tell)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def unheld(settings: Mapping[str, str], gpus: bool) -> tuple[str, ...]:
    """Return what this Slurm does not limit, with the key that would.

    Args:
        settings: As `slurm_commands.settings`.
        gpus: GPUs are lent, or may be.
    """
    wanted = {
        "constrainramspace": "memory is not limited, so one submission can take a node's",
        "constrainswapspace": "a submission can use swap beyond its memory limit",
        "constraincores": "a submission can use other jobs' cores, and its limits in seconds "
                          "are by the clock",
    }  # fmt: skip
    if gpus:
        wanted["constraindevices"] = "a submission can use GPUs that were lent to other jobs"
    keys = {"constrainramspace": "ConstrainRAMSpace", "constrainswapspace": "ConstrainSwapSpace",
            "constraincores": "ConstrainCores", "constraindevices": "ConstrainDevices"}
    has_plugin = "cgroup" in settings.get("taskplugin", "")
    plugin = "" if has_plugin else " and TaskPlugin=task/cgroup in slurm.conf"
    return tuple(
        f"{what}: set {keys[key]}=yes in cgroup.conf{plugin}"
        for key, what in wanted.items()
        if not has_plugin or settings.get(key, "no").lower() != "yes"
    )
