"""Locks a worker in on a machine without a Docker Engine: with bubblewrap, or with Apptainer.

A launcher makes the command line that starts a worker. Memory and processors are limited by whoever
runs that command, which is Slurm. docs/cluster.md compares the launchers with Docker.
"""

from __future__ import annotations

import compileall
import hashlib
import os
import py_compile
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from grader.errors import UsageError
from grader.rubric.model import Limits
from grader.sandbox.base import WorkerPaths
from grader.sandbox.docker.image import PROJECT, SOURCES
from grader.sandbox.docker.lockdown import PATHS, environment
from grader.sandbox.pools.own_python import interpreter, is_users, libraries, packages, system
from grader.sandbox.pools.seccomp_filter import compiled
from grader.sandbox.process import ProcessSandbox

_USER = "10001"
_SHM_MIB = 256   # as in a container; a DataLoader's workers pass their batches through /dev/shm
_MIB = 2**20
# What bubblewrap and Apptainer do not keep of docs/docker.md.
_SHARED_LOCKS = (
    "submissions that run side by side could pass messages through locks on the data set"
)


class Launcher(Protocol):
    """Starts workers on a node."""

    @property
    def version(self) -> str:
        """A text that names what workers run on; part of the cache key of answers."""
        ...

    @property
    def unkept(self) -> tuple[str, ...]:
        """Promises of the Docker sandbox that this launcher does not keep."""
        ...

    @property
    def needs(self) -> tuple[Path, ...]:
        """Files and folders that every node must have under the same path."""
        ...

    def command(self, submission: Path, data: Path | None, limits: Limits, gpu: bool) -> list[str]:
        """Return the command that starts a worker; its stdin and stdout are the protocol's.

        Args:
            submission: The student's files, on a file system that the nodes share.
            data: The data set, likewise; None: no data.
            limits: Limits of the worker.
            gpu: The worker may use the GPU that its job was given.
        """
        ...


def paths_in(data: Path | None) -> WorkerPaths:
    """Return the folders as a worker sees them: those of a container."""
    return WorkerPaths(PATHS.submission, PATHS.data if data else None, PATHS.scratch)


# Runs on the node. What only the node knows is looked up there: its kernel, files of /proc, GPUs.
# Since Linux 5.14 a limit on processes counts those of the sandbox alone; before, it would count
# all processes of this user. The worker is process 1, as in a container: bubblewrap's own one could
# be read and written by code of the same user, and with it the protocol's stream.
_LOCK_IN = r"""
filter=$1 processes=$2 size=$3 gpu=$4 python=$5; shift 5
hidden= devices= visible=
for one in /proc/acpi /proc/asound /proc/bus /proc/interrupts /proc/irq /proc/kcore /proc/keys \
    /proc/latency_stats /proc/locks /proc/sched_debug /proc/scsi /proc/sysrq-trigger \
    /proc/timer_list /proc/timer_stats; do
    if [ -d "$one" ]; then hidden="$hidden --tmpfs $one --remount-ro $one"
    elif [ -e "$one" ]; then hidden="$hidden --ro-bind /dev/null $one"; fi
done
if [ "$gpu" = yes ]; then
    visible=$CUDA_VISIBLE_DEVICES
    for one in /dev/nvidia*; do [ -e "$one" ] && devices="$devices --dev-bind $one $one"; done
fi
case $(uname -r) in [1-4].*|5.[0-9].*|5.1[0-3].*) processes=unlimited;; esac
exec bwrap --unshare-all --unshare-user --as-pid-1 --uid 10001 --gid 10001 --hostname worker \
    --cap-drop ALL --die-with-parent --new-session --clearenv --seccomp 9 \
    --proc /proc --ro-bind /proc/sys /proc/sys $hidden --dev /dev $devices "$@" \
    --setenv CUDA_VISIBLE_DEVICES "$visible" --remount-ro /dev --remount-ro / --chdir /tmp -- \
    prlimit --nproc="$processes" --nofile=4096 --fsize="$size" --core=0 --msgqueue=0 \
    "$python" -P -s -m grader.worker 9<"$filter"
"""


@dataclass(frozen=True)
class Bubblewrap:
    """Starts workers with this machine's interpreter and packages, which every node must see.

    Use `prepared`. Nothing of the node is visible but system libraries, this interpreter, its
    packages, the worker's own modules, the submission and the data.

    Attributes:
        folder: The worker's modules, the seccomp filter and the names of users.
    """

    folder: Path

    @classmethod
    def prepared(cls, folder: Path) -> Bubblewrap:
        """Write into `folder`, which the nodes share, what every worker needs.

        Raises:
            UsageError: The seccomp filter cannot be compiled.
        """
        (folder / "seccomp").write_bytes(compiled())
        (folder / "passwd").write_text(f"student:x:{_USER}:{_USER}::/tmp:/bin/false\n", "utf-8")
        (folder / "group").write_text(f"student:x:{_USER}:\n", encoding="utf-8")
        for name in SOURCES:
            source, target = PROJECT / name, folder / "worker" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
        unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_dir(folder / "worker", quiet=2, invalidation_mode=unchecked)
        return cls(folder)

    @property
    def version(self) -> str:
        return f"bubblewrap, {ProcessSandbox.version}"

    @property
    def unkept(self) -> tuple[str, ...]:
        return (
            _SHARED_LOCKS,
            "the number of files in /tmp is not limited",
            "processes are not limited on kernels before 5.14",
        )

    @property
    def needs(self) -> tuple[Path, ...]:
        return self.folder, Path(sys.executable), *packages()

    def command(self, submission: Path, data: Path | None, limits: Limits, gpu: bool) -> list[str]:
        scratch = limits.scratch_mib * _MIB
        shm = min(_SHM_MIB, limits.memory_mib // 4) * _MIB
        return [
            "sh", "-c", _LOCK_IN, "sh", str(self.folder / "seccomp"), str(limits.pids),
            str(max(scratch, shm)), "yes" if gpu else "no", sys.executable,
            "--perms", "1777", "--size", str(scratch), "--tmpfs", "/tmp",
            "--perms", "1777", "--size", str(shm), "--tmpfs", "/dev/shm",
            *system(), *interpreter(),
            "--ro-bind", str(self.folder / "worker"), "/opt/grader",
            "--ro-bind", str(self.folder / "passwd"), "/etc/passwd",
            "--ro-bind", str(self.folder / "group"), "/etc/group",
            "--ro-bind", str(submission), PATHS.submission,
            *(["--ro-bind", str(data), str(PATHS.data)] if data else []),
            "--dir", "/sys/class/net/lo",   # all that there is in its network
            *_environment(limits),
        ]  # fmt: skip


@dataclass(frozen=True)
class Apptainer:
    """Starts workers in an image file. EXPERIMENTAL: nobody has run it yet.

    Attributes:
        image: The worker's image as a file, which the nodes share.
    """

    image: Path

    def __post_init__(self) -> None:
        if not self.image.is_file():
            raise UsageError(
                f"{self.image} is missing. Make it of the worker's image: `grader image build`, "
                f"then `apptainer build {self.image} docker-daemon://grader-worker:TAG`."
            )

    @property
    def version(self) -> str:
        """The digest of the image's content; it takes seconds."""
        with self.image.open("rb") as file:
            return f"apptainer {hashlib.file_digest(file, 'sha256').hexdigest()[:16]}"

    @property
    def unkept(self) -> tuple[str, ...]:
        return (
            "Apptainer is experimental: nobody has graded with it, and no attack was tried",
            "system calls and processes are not limited, nor is the size of /tmp",
            _SHARED_LOCKS,
        )

    @property
    def needs(self) -> tuple[Path, ...]:
        return (self.image,)

    def command(self, submission: Path, data: Path | None, limits: Limits, gpu: bool) -> list[str]:
        return [
            "apptainer", "exec", "--containall", "--cleanenv", "--no-home", "--no-privs",
            "--net", "--network=none", "--pwd=/tmp", *(["--nv"] if gpu else []),
            f"--bind={submission}:{PATHS.submission}:ro",
            *([f"--bind={data}:{PATHS.data}:ro"] if data else []),
            f"--env=OMP_NUM_THREADS={limits.threads}", "--env=HOME=/tmp", str(self.image),
            "/opt/venv/bin/python", "-P", "-s", "-m", "grader.worker",
        ]  # fmt: skip


def _environment(limits: Limits) -> Iterator[str]:
    """Yield the options that set the worker's whole environment."""
    paths = ["/opt/grader", *(str(one) for one in packages() if is_users(one))]
    for name, value in {
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "USER": "student",
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "Agg",
        **environment(limits),   # no GPU of a container runtime's: devices are bound one by one
        **({"LD_LIBRARY_PATH": os.pathsep.join(found)} if (found := libraries()) else {}),
    }.items():
        yield from ("--setenv", name, value)
