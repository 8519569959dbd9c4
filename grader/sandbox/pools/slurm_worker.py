"""A worker in a job of Slurm, and how the job ended in Slurm's own words."""

from __future__ import annotations

import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

from grader.errors import SandboxError
from grader.sandbox.base import Exit, WorkerPaths
from grader.sandbox.pools import slurm_commands as slurm
from grader.sandbox.read_end import ReadEnd

_STOP_SECONDS = 2.0      # for a worker that ends with its stdin
LOST_SECONDS = 60.0      # for srun to end, once its worker has ended or was cancelled
_STDERR = 8_000          # characters
# Slurm ended a job, and nobody asked it to.
_ENDED_BY_SLURM = {
    "NODE_FAIL": "its node failed",
    "BOOT_FAIL": "its node did not boot",
    "TIMEOUT": "it reached Slurm's time limit of the job or the partition",
    "DEADLINE": "it reached a deadline",
    "CANCELLED": "somebody cancelled it",
    "PREEMPTED": "another job took its place",
    "REVOKED": "another cluster took it",
    "SUSPENDED": "somebody suspended it",
}
_NODE_LOST = ("NODE_FAIL", "BOOT_FAIL")


class SlurmWorker:
    """A worker in a job of Slurm; see `grader.sandbox.base.Worker`."""

    held_back = False

    def __init__(
        self, srun: subprocess.Popen[bytes], answers: ReadEnd, log: Path, stderr: Path,
        paths: WorkerPaths, job: str, node: str,
    ) -> None:
        self.paths, self.job, self.node = paths, job, node
        self._srun, self._answers, self._log, self._stderr = srun, answers, log, stderr
        self._ended = False   # by itself: its stream came to an end
        self._exit: Exit | None = None
        self._stopping = threading.Lock()

    def write(self, data: bytes) -> None:
        """Send all of `data`; see `grader.sandbox.base.Worker` for this and the methods below."""
        assert self._srun.stdin
        self._srun.stdin.write(data)
        self._srun.stdin.flush()

    def full_speed(self) -> None:
        """Do nothing: Slurm gave the worker processors of its own."""

    def processor_seconds(self) -> None:
        """Return None: the worker has processors of its own, so limits count by the clock."""

    def read(self, size: int) -> bytes:
        data = self._answers.read(size)
        self._ended = self._ended or not data
        return data

    @property
    def stderr(self) -> str:
        """The last part of what the worker wrote to stderr itself, and of Slurm's own words."""
        return (last_words(self._stderr) + last_words(self._log))[-_STDERR:]

    def stop(self) -> Exit:
        with self._stopping:
            if self._exit is None:
                self._exit = self._end()
            return self._exit

    def close(self) -> None:
        """Close the streams."""
        with suppress(OSError):
            assert self._srun.stdin
            self._srun.stdin.close()
        self._answers.close()

    def _end(self) -> Exit:
        by_us = not self._ended and self._srun.poll() is None
        if by_us:
            with suppress(OSError):   # the worker ends with its stdin
                assert self._srun.stdin
                self._srun.stdin.close()
            if not self._ends_within(_STOP_SECONDS):
                slurm.cancel(self.job)
        if not self._ends_within(LOST_SECONDS):
            self._srun.kill()
            self._srun.wait()
            lost = f"{self.node} did not end job {self.job} within {LOST_SECONDS:.0f} s"
            return Exit(None, lost=lost, node_lost=True)
        try:
            state = slurm.state(self.job)
        except SandboxError as error:
            return Exit(None, lost=f"Slurm does not tell how job {self.job} ended: {error}")
        said = last_words(self._log).replace("_", "-")
        memory = state == "OUT_OF_MEMORY" or "oom-kill event" in said
        if state in _ENDED_BY_SLURM and not by_us and not memory:
            why = f"job {self.job} on {self.node} ended with {state}: {_ENDED_BY_SLURM[state]}"
            return Exit(None, lost=why, node_lost=state in _NODE_LOST)
        return Exit(-signal.SIGKILL if by_us else self._srun.returncode, memory)

    def _ends_within(self, seconds: float) -> bool:
        try:
            self._srun.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


def last_words(path: Path) -> str:
    """Return the end of a log of the node's or of srun's; "" if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4 * _STDERR))
            return file.read().decode(errors="replace")[-_STDERR:]
    except OSError:
        return ""
