"""Asks Slurm: what nodes there are, how it is set up, and how a job ended."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.errors import EngineMissing, SandboxError
from grader.sandbox.pools.pool import UNKNOWN

NEEDED = ("srun", "scancel", "scontrol", "sinfo", "squeue")
_SECONDS = 30.0         # for a command's answer; slurmctld is slow while many jobs end
_ENDING_SECONDS = 20.0  # in which a job that is COMPLETING gets its final state
# Variables of this user's that Slurm's commands read. A job of its own that this process runs in is
# left out: otherwise workers would be steps of that job and not jobs of the queue.
_PASSED = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LD_LIBRARY_PATH|"
    r"(SLURM|SINFO|SQUEUE)_(CONF|CLUSTERS|PARTITION|ACCOUNT|QOS|RESERVATION|CONSTRAINT)"
)


@dataclass(frozen=True)
class Node:
    """A node in a partition.

    Attributes:
        name: Slurm's name of it.
        state: Such as "idle" or "down*".
        cpus: Processors that Slurm lends.
        memory_mib: Memory that Slurm lends, in MiB.
        gpus: The model of each GPU, "unknown" where Slurm does not name it.
    """

    name: str
    state: str
    cpus: int
    memory_mib: int
    gpus: tuple[str, ...]

    @property
    def is_up(self) -> bool:
        """Slurm starts jobs on it, now or once others have ended."""
        return self.state in ("idle", "mixed", "allocated", "completing", "planned")


def environment() -> dict[str, str]:
    """Return the environment of Slurm's commands."""
    return {name: value for name, value in os.environ.items() if _PASSED.fullmatch(name)}


def require() -> None:
    """Raise EngineMissing if this machine has no Slurm, or its controller does not answer."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        raise EngineMissing(
            f"--on slurm: this machine has no {missing[0]}. Run `grader` on a login node of the "
            "cluster, where `sinfo` lists its nodes."
        )
    try:
        run("scontrol", "ping")
    except SandboxError as error:
        said = " ".join(str(error).split())
        raise EngineMissing(
            f"--on slurm: Slurm does not answer ({said}): run `grader` where `sinfo` lists the "
            "cluster's nodes, or set SLURM_CONF as it is set there"
        ) from None


def run(*command: str, seconds: float = _SECONDS) -> str:
    """Return what one of Slurm's commands prints.

    Raises:
        SandboxError: It failed, or took longer than `seconds`.
    """
    try:
        done = subprocess.run(
            command, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=seconds, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxError(f"{command[0]}: {error}") from None
    if done.returncode != 0:
        raise SandboxError(f"{command[0]}: {(done.stderr or done.stdout).strip()[-400:]}")
    return done.stdout


def nodes(partition: str | None) -> tuple[Node, ...]:
    """Return the nodes of a partition; None: those of the default partition, or of all.

    Raises:
        SandboxError: Slurm does not answer, or has no such partition.
    """
    chosen = [f"--partition={partition}"] if partition else []
    rows = [
        line.split("|")
        for line in run("sinfo", "-N", "-h", *chosen, "-o", "%N|%P|%T|%c|%m|%G").splitlines()
    ]
    if not partition:
        rows = [row for row in rows if row[1].endswith("*")] or rows
    found = {
        name: Node(name, state, int(cpus), int(memory.rstrip("+")), models(gres))
        for name, _, state, cpus, memory, gres in rows
    }
    return tuple(found.values())


def models(gres: str) -> tuple[str, ...]:
    """Return the model of each GPU in a node's Gres, such as "gpu:a100:4(S:0-1),lustre:1"."""
    found: list[str] = []
    for one in re.sub(r"\([^)]*\)", "", gres).split(","):
        kind, *rest = one.split(":")
        if kind == "gpu" and rest and rest[-1].isdigit():
            found += [rest[0] if len(rest) > 1 else UNKNOWN] * int(rest[-1])
    return tuple(found)


def settings() -> Mapping[str, str]:
    """Return slurm.conf and cgroup.conf as `scontrol show config` has them, by lower-case key."""
    pairs = (line.split("=", 1) for line in run("scontrol", "show", "config").splitlines()
             if "=" in line)
    return {key.strip().lower(): value.strip() for key, value in pairs}


def state(job: str) -> str:
    """Return a job's state, such as COMPLETED, OUT_OF_MEMORY, NODE_FAIL or CANCELLED.

    Raises:
        SandboxError: Slurm does not know it, or does not answer.
    """
    until = time.monotonic() + _ENDING_SECONDS
    while True:
        said = run("scontrol", "show", "job", "--oneliner", job)
        found = re.search(r"\bJobState=(\w+)", said)
        if found is None:
            raise SandboxError(f"scontrol shows no state of job {job}: {said.strip()[:200]}")
        if found[1] not in ("COMPLETING", "RUNNING") or time.monotonic() > until:
            return found[1]
        time.sleep(0.2)


def cancel(*options: str) -> None:
    """Cancel jobs; that none is left is no error."""
    try:
        run("scancel", "--quiet", *options)
    except SandboxError:
        return


def value_of(words: Sequence[str], long: str, short: str) -> str | None:
    """Return the value of an option among `srun`'s, or None. The last one counts, as for srun.

    Args:
        words: Options, such as ["--partition=gpu", "-A", "cs101"].
        long: The option's long name, such as "partition".
        short: Its letter.
    """
    found = None
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word.startswith(f"--{long}="):
            found = word.partition("=")[2]
        elif word in (f"--{long}", f"-{short}"):
            found = following
        elif word.startswith(f"-{short}") and not word.startswith("--"):
            found = word[2:].removeprefix("=")
    return found
