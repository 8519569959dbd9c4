"""The settings of a container: what it may reach, do and use.

The names are those of the engine's API and of `docker inspect`; docs/docker.md gives the reason for
each one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from grader.errors import SandboxError
from grader.rubric.model import Limits
from grader.sandbox.base import Job, WorkerPaths

USER = "10001:10001"    # as in the Dockerfile; set here too, so that no image can make it root
PATHS = WorkerPaths(submission="/submission", data="/data", scratch="/tmp")
_MIB = 2**20
_SHM_MIB = 256          # a DataLoader's workers pass their batches through /dev/shm
_INODES = 65_536
_OPEN_FILES = 4096
# The engine's own list, and two more: the locks of the whole machine (two containers could pass
# messages through them), and counters that show what other processes do.
_MASKED = [
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
    "/proc/latency_stats", "/proc/locks", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
    "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
]  # fmt: skip
_OTHERS_READ = 0o005    # the container's user owns no file and is in no group of the host


def worker_paths(job: Job) -> WorkerPaths:
    """Return the folders of this job as the worker sees them."""
    return WorkerPaths(PATHS.submission, PATHS.data if job.data else None, PATHS.scratch)


def environment(limits: Limits, devices: Sequence[Mapping[str, Any]] = ()) -> dict[str, str]:
    """Return the environment of a job's container.

    It names as many threads as the limit has CPUs; torch would count the machine's. Unless the
    NVIDIA runtime was asked for GPUs, it names none: the image may name all, and an engine whose
    default is that runtime would lend them.

    Args:
        limits: The job's limits.
        devices: DeviceRequests for GPUs. CDI's do not go through the NVIDIA runtime.
    """
    threads = {"OMP_NUM_THREADS": str(limits.threads)}
    by_runtime = any(one["Driver"] != "cdi" for one in devices)
    return threads if by_runtime else threads | {"NVIDIA_VISIBLE_DEVICES": "void"}


def host_config(
    job: Job, *, cpus: int, shares: int, devices: list[dict[str, Any]], runtime: str | None
) -> dict[str, Any]:
    """Return the HostConfig of a job's container.

    Args:
        job: The job.
        cpus: Number of CPUs that the engine has.
        shares: Weight of the container where others want the same CPUs.
        devices: DeviceRequests for GPUs.
        runtime: OCI runtime; None: the engine's default.
    """
    limits = job.limits
    memory, scratch = limits.memory_mib * _MIB, limits.scratch_mib * _MIB
    shm = min(_SHM_MIB, limits.memory_mib // 4) * _MIB
    mounts = [_read_only(job.submission, PATHS.submission)]
    if job.data is not None and PATHS.data is not None:
        mounts.append(_read_only(job.data, PATHS.data))
    config: dict[str, Any] = {
        # What it can reach.
        "NetworkMode": "none",
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "ReadonlyRootfs": True,
        "MaskedPaths": _MASKED,
        "Mounts": mounts,
        "Tmpfs": {PATHS.scratch: _tmpfs(scratch, "exec"), "/dev/shm": _tmpfs(shm, "noexec")},
        "DeviceRequests": devices,
        # What it may do.
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true", f"seccomp={_seccomp()}"],
        # What it may use.
        "Memory": memory,
        "MemorySwap": memory,   # memory and swap together, so no swap
        "CpuShares": shares,
        "NanoCpus": int(min(limits.cpus, cpus) * 1e9),
        "PidsLimit": limits.pids,
        "Ulimits": [
            _ulimit("nofile", _OPEN_FILES),
            _ulimit("fsize", max(scratch, shm)),   # so that a sparse file cannot be larger either
            _ulimit("core", 0),
            _ulimit("msgqueue", 0),
        ],
        "OomScoreAdj": 500,     # if the machine runs out of memory, students' code goes first
        # What it leaves behind.
        "LogConfig": {"Type": "none"},
        "RestartPolicy": {"Name": "no"},
        "AutoRemove": False,    # its state after the end must stay readable
    }
    return config | ({"Runtime": runtime} if runtime else {})


def _read_only(source: Path, target: str) -> dict[str, Any]:
    source = source.resolve()
    if not source.is_dir() or source.stat().st_mode & _OTHERS_READ != _OTHERS_READ:
        raise SandboxError(
            f"{source} is not a folder that every user may read, and the container, which sees it"
            f" as {target}, runs as user {USER}: run `chmod -R o+rX {source}`."
        )
    return {
        "Type": "bind",
        "Source": str(source),
        "Target": target,
        "ReadOnly": True,
        "BindOptions": {"Propagation": "rprivate"},
    }


def _tmpfs(size: int, exec_: str) -> str:
    return f"rw,nosuid,nodev,{exec_},mode=1777,size={size},nr_inodes={_INODES}"


def _ulimit(name: str, limit: int) -> dict[str, Any]:
    return {"Name": name, "Soft": limit, "Hard": limit}


@cache
def _seccomp() -> str:
    return Path(__file__).with_name("seccomp.json").read_text()
