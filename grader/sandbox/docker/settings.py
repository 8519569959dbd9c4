"""What a container may reach, do and use, in the words of the engine's API.

`docker inspect` shows them under the same names; docs/docker.md says what each one is for.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from grader.errors import SandboxError
from grader.rubric.model import Limits
from grader.sandbox.base import Job, Places

USER = "10001:10001"    # as in the Dockerfile; said again here, so that no image makes it root
PLACES = Places(submission="/submission", data="/data", scratch="/tmp")
# A container that only gets ready takes next to nothing from those whose turn it is.
FULL_SHARES, _READY_SHARES = 1024, 32
_MIB = 2**20
_SHM_MIB = 256          # a DataLoader's workers hand their batches over in /dev/shm
_INODES = 65_536
_OPEN_FILES = 4096
# What an engine masks by itself, and what it does not: who holds which locks on the whole machine
# (a letter box for two containers), counters that tell what its other processes do.
_MASKED = [
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
    "/proc/latency_stats", "/proc/locks", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
    "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
]  # fmt: skip
_OTHERS_READ = 0o005    # the container's user is nobody's owner and in nobody's group


def places(job: Job) -> Places:
    """Where the worker finds this job's things."""
    return Places(PLACES.submission, PLACES.data if job.data else None, PLACES.scratch)


def environment(limits: Limits) -> dict[str, str]:
    """As many threads as there are CPUs to use; torch would count the machine's."""
    return {"OMP_NUM_THREADS": str(max(1, int(limits.cpus)))}


def host_config(
    job: Job, *, cpus: int, devices: list[dict[str, Any]], runtime: str | None
) -> dict[str, Any]:
    """The HostConfig of a job's container on an engine that has so many CPUs."""
    limits = job.limits
    memory, scratch = limits.memory_mib * _MIB, limits.scratch_mib * _MIB
    shm = min(_SHM_MIB, limits.memory_mib // 4) * _MIB
    mounts = [_read_only(job.submission, PLACES.submission)]
    if job.data is not None and PLACES.data is not None:
        mounts.append(_read_only(job.data, PLACES.data))
    config: dict[str, Any] = {
        # what it can reach
        "NetworkMode": "none",
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "ReadonlyRootfs": True,
        "MaskedPaths": _MASKED,
        "Mounts": mounts,
        "Tmpfs": {PLACES.scratch: _tmpfs(scratch, "exec"), "/dev/shm": _tmpfs(shm, "noexec")},
        "DeviceRequests": devices,
        # what it may do
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true", f"seccomp={_seccomp()}"],
        # what it may use
        "Memory": memory,
        "MemorySwap": memory,   # memory and swap together, so: no swap
        "CpuShares": _READY_SHARES if runtime is None else FULL_SHARES,
        "NanoCpus": int(min(limits.cpus, cpus) * 1e9),
        "PidsLimit": limits.pids,
        "Ulimits": [
            _ulimit("nofile", _OPEN_FILES),
            _ulimit("fsize", max(scratch, shm)),   # a sparse file may be no larger than a full one
            _ulimit("core", 0),
            _ulimit("msgqueue", 0),
        ],
        "OomScoreAdj": 500,     # where the machine itself runs out, students' code goes first
        # what it leaves
        "LogConfig": {"Type": "none"},
        "RestartPolicy": {"Name": "no"},
        "AutoRemove": False,    # or how it ended would go with it
    }
    return config | ({"Runtime": runtime} if runtime else {})


def _read_only(source: Path, target: str) -> dict[str, Any]:
    source = source.resolve()
    if not source.is_dir() or source.stat().st_mode & _OTHERS_READ != _OTHERS_READ:
        raise SandboxError(
            f"{source}, which the container is to see as {target}, is not a folder that every user"
            f" may read. Its user is {USER}: `chmod -R o+rX {source}`."
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
