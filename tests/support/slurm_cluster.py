"""A Slurm cluster on this machine: munged, slurmctld, and a slurmd for each of two nodes.

Everything lies in one folder, listens on ports of its own, and ends with the fixture.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_NEEDED = ("munged", "slurmctld", "slurmd", "srun", "scontrol", "scancel", "sinfo", "bwrap")
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
_CGROUPS = Path("/sys/fs/cgroup")
_START_SECONDS = 30.0


def missing() -> list[str]:
    """Programs that this machine lacks for a cluster."""
    return [name for name in _NEEDED if shutil.which(name, path=_PATH) is None]


@dataclass
class SlurmCluster:
    """A running cluster.

    Attributes:
        folder: Its configuration, state and logs.
        nodes: Names of its nodes. No other cluster on this machine has them: cgroups bear them.
        limits_memory: Its cgroups hold the memory limit; they need root and cgroups version 1.
        daemons: The processes that were started, by name.
    """

    folder: Path
    nodes: tuple[str, ...]
    limits_memory: bool
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which Slurm's commands find this cluster and no other one."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": _PATH}

    def ask(self, *command: str) -> str:
        """Run one of Slurm's commands and return what it prints."""
        return subprocess.run(
            command, env=self.environment, check=True, capture_output=True, text=True, timeout=60
        ).stdout

    def jobs(self) -> list[str]:
        """Jobs that wait, run or are being ended: a line each, as "id name state node"."""
        return self.ask("squeue", "--noheader", "--format=%i %j %T %N").splitlines()

    def start_node(self, name: str) -> None:
        """Start the slurmd of a node."""
        self._start(name, "slurmd", "-D", "-N", name, "-f", str(self.folder / "slurm.conf"))

    def kill_node(self, name: str) -> None:
        """Kill a node's slurmd and all that its jobs run, as when the machine loses its power."""
        jobs = [line.split()[0] for line in self.jobs() if line.endswith(f" {name}")]
        steps = [process for job in jobs for process in _processes_of(job)]
        self.daemons[name].kill()
        for process in steps:
            with suppress(psutil.Error):
                process.kill()
        self.daemons.pop(name).wait()

    def start(self) -> None:
        """Start everything, and wait until the nodes are idle."""
        for part in ("state", "log", *(f"spool-{name}" for name in self.nodes)):
            (self.folder / part).mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        self._start(
            "munged", "munged", "--foreground", "--force", f"--key-file={key}",
            f"--socket={self.folder}/munge.sock", f"--pid-file={self.folder}/munged.pid",
            f"--log-file={self.folder}/log/munged", f"--seed-file={self.folder}/munge.seed",
        )  # fmt: skip
        _until((self.folder / "munge.sock").exists, "munged made no socket")
        self._write_configuration()
        self._start("slurmctld", "slurmctld", "-D", "-i", "-f", str(self.folder / "slurm.conf"))
        for name in self.nodes:
            self.start_node(name)
        _until(self._is_up, "the nodes did not come up")

    def stop(self) -> None:
        """End every process of the cluster, and wait until it is gone."""
        with suppress(subprocess.SubprocessError):
            self.ask("scancel", "--state=PENDING", f"--user={os.getuid()}")
        for name in (*(one for one in self.nodes if one in self.daemons), "slurmctld", "munged"):
            daemon = self.daemons.pop(name, None)
            if daemon is None:
                continue
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        for name in self.nodes:   # slurmd leaves them
            for top in _CGROUPS.glob(f"*/slurm_{name}"):
                for folder in (*sorted(top.rglob("*/"), reverse=True), top):
                    with suppress(OSError):
                        folder.rmdir()

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / "log" / f"{name}.out").open("ab") as log:
            self.daemons[name] = subprocess.Popen(
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def _is_up(self) -> bool:
        with suppress(subprocess.SubprocessError):
            return self.ask("sinfo", "-N", "-h", "-o", "%T").split() == ["idle"] * len(self.nodes)
        return False

    def _write_configuration(self) -> None:
        ports = _free_ports(1 + len(self.nodes))
        host, user = platform.node(), psutil.Process().username()
        cores = os.cpu_count() or 1
        with_cgroups = self.limits_memory
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cores}"
            " RealMemory=6000"
            for name, port in zip(self.nodes, ports[1:], strict=True)
        )
        (self.folder / "slurm.conf").write_text(f"""
ClusterName=grader
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ports[0]}
AuthType=auth/munge
AuthInfo=socket={self.folder}/munge.sock
CredType=cred/munge
StateSaveLocation={self.folder}/state
SlurmdSpoolDir={self.folder}/spool-%n
SlurmctldPidFile={self.folder}/slurmctld.pid
SlurmdPidFile={self.folder}/slurmd-%n.pid
SlurmctldLogFile={self.folder}/log/slurmctld
SlurmdLogFile={self.folder}/log/slurmd-%n
ProctrackType=proctrack/{"cgroup" if with_cgroups else "linuxproc"}
TaskPlugin=task/{"cgroup" if with_cgroups else "none"}
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
SlurmdTimeout=5
KillWait=5
MpiDefault=none
SwitchType=switch/none
SlurmdParameters=config_overrides
{nodes}
PartitionName=all Nodes={",".join(self.nodes)} Default=YES State=UP MaxTime=INFINITE
""", encoding="utf-8")
        (self.folder / "cgroup.conf").write_text(
            "CgroupPlugin=cgroup/v1\nConstrainRAMSpace=yes\nConstrainSwapSpace=yes\n"
            "AllowedSwapSpace=0\n" if with_cgroups else "CgroupPlugin=disabled\n",
            encoding="utf-8",
        )


@contextmanager
def slurm_cluster(folder: Path) -> Iterator[SlurmCluster]:
    """Run a cluster in `folder`, which must not be long: a socket's path has 100 characters."""
    cluster = SlurmCluster(
        folder,
        tuple(f"g{os.getpid()}{letter}" for letter in "ab"),
        limits_memory=os.geteuid() == 0 and (_CGROUPS / "memory").is_dir(),
    )
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def _processes_of(job: str) -> list[psutil.Process]:
    """The processes of a job on this machine, and the steps of Slurm's that hold them."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if f"slurmstepd: [{job}." in " ".join(process.info["cmdline"] or ()):
            with suppress(psutil.Error):
                found += [process, *process.children(recursive=True)]
    return found


def _until(true: Callable[[], bool], why: str) -> None:
    ends = time.monotonic() + _START_SECONDS
    while not true():
        if time.monotonic() > ends:
            raise TimeoutError(f"{why} within {_START_SECONDS:.0f} seconds")
        time.sleep(0.1)


def _free_ports(count: int) -> Sequence[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
