"""The sandbox whose workers are jobs of Slurm: `srun` carries their stdin and stdout.

Slurm chooses the node, and limits memory, processors and GPUs. A launcher locks the worker in.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from grader.errors import NodeLost, SandboxError
from grader.sandbox.base import Job
from grader.sandbox.conversation import GRACE_SECONDS, START_SECONDS
from grader.sandbox.pools import slurm_commands as slurm
from grader.sandbox.pools.launchers import Launcher, paths_in
from grader.sandbox.pools.pool import UNKNOWN
from grader.sandbox.pools.slurm_worker import LOST_SECONDS, SlurmWorker, last_words
from grader.sandbox.read_end import ReadEnd

_LOOK_SECONDS = 0.5      # between looks at whether the run goes on, while a job waits in the queue
_LONGEST_LINE = 500
_MARGIN_SECONDS = 600.0
# Runs on the node, first of all. Its line of output says that the time in the queue is over, which
# job this is, and where it runs. What the worker itself writes to stderr goes to a file, so that
# srun's stderr has only words of Slurm's. With --unbuffered, stdout is a terminal, which code could
# open by a name and forge answers there: the worker writes to a pipe instead.
_ON_NODE = r"""
stderr=$1; shift
while [ "$1" != -- ]; do
    [ -e "$1" ] || { echo "lacks $SLURM_JOB_ID $SLURMD_NODENAME $1"; exit 0; }
    shift
done
shift
echo "runs $SLURM_JOB_ID $SLURMD_NODENAME"
exec 3>&1
code=$({ { "$@" 2>"$stderr" 3>&- 4>&-; echo $? >&4; } | cat >&3; } 4>&1)
exit "$code"
"""
# Ends srun when this process dies, also while it waits in the queue (prctl PR_SET_PDEATHSIG).
_WITH_PARENT = (
    "import ctypes, os, sys\n"
    f"ctypes.CDLL(None).prctl(1, {int(signal.SIGTERM)})\n"
    "os.getppid() == int(sys.argv[1]) or sys.exit(1)\n"
    "os.execvp(sys.argv[2], sys.argv[2:])"
)


class SlurmSandbox:
    """Starts each worker as a job of its own; see `grader.sandbox.base.Sandbox`.

    The ids of GPUs that `start` gets only say that a GPU is wanted.

    Args:
        launcher: Locks the worker in.
        folder: A folder that the nodes share; submissions are laid out there under random names.
        run: Id of this run, the only name that a job has.
        options: Further options of `srun`.
        stop: Once set, a job that still waits in the queue is ended.
        gpu_type: Slurm's name of the GPUs' model; None: every model.
        models: Slurm's names of the models of all GPUs that may be lent.
    """

    name = "slurm"
    waits_quietly = False

    def __init__(
        self, launcher: Launcher, folder: Path, run: str, options: Sequence[str] = (),
        stop: threading.Event | None = None, gpu_type: str | None = None,
        models: Iterable[str] = (),
    ) -> None:
        self._models = tuple(sorted({one for one in models if one != UNKNOWN}))
        self._gres = f"--gres=gpu:{gpu_type}:1" if gpu_type else "--gres=gpu:1"
        self._launcher, self._folder, self._run = launcher, folder, run
        self._options, self._stop = tuple(options), stop or threading.Event()
        self._over = threading.Event()
        self.version = launcher.version

    def gpu_models(self, gpus: Collection[str]) -> tuple[str, ...]:
        """Return the models as Slurm names them; any of them may be lent."""
        return self._models if gpus else ()

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str]) -> Iterator[SlurmWorker]:
        """Start a worker, which waits in Slurm's queue as long as it takes."""
        with tempfile.TemporaryDirectory(
            prefix="job-", dir=self._folder, ignore_cleanup_errors=True
        ) as place:
            worker = self._started(job, any(True for _ in gpus), Path(place))
            try:
                yield worker
            finally:
                worker.stop()
                worker.close()

    def close(self) -> None:
        """End every job of this run, running or waiting, and let no new one start."""
        self._over.set()
        slurm.cancel(f"--name={_name(self._run)}", f"--user={os.getuid()}")

    def _started(self, job: Job, gpu: bool, place: Path) -> SlurmWorker:
        try:
            shutil.copytree(
                job.submission, place / "submission", symlinks=True, copy_function=_linked
            )
        except OSError as error:
            raise SandboxError(f"{job.submission} cannot be laid out: {error}") from None
        data = job.data.resolve() if job.data else None
        command = self._srun(job, gpu, place / "submission", data, place / "stderr")
        log = place / "srun"
        with log.open("wb") as words:
            try:
                srun = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", _WITH_PARENT, str(os.getpid()), *command],
                    env=slurm.environment(), cwd="/", stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=words, start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                raise SandboxError(f"srun could not be started: {error}") from None
        assert srun.stdout
        answers = ReadEnd(srun.stdout)
        try:
            number, node = self._placed(srun, answers, log)
        except BaseException:
            self._give_up(srun, answers)
            raise
        return SlurmWorker(srun, answers, log, place / "stderr", paths_in(data), number, node)

    def _srun(
        self, job: Job, gpu: bool, submission: Path, data: Path | None, stderr: Path
    ) -> list[str]:
        limits = job.limits
        needs = (*self._launcher.needs, submission, *([data] if data else []))
        seconds = START_SECONDS + _MARGIN_SECONDS
        seconds += sum(one.seconds + GRACE_SECONDS for one in job.questions)
        return [
            # Without --unbuffered, srun waits for the end of a line, which no frame has.
            "srun", "--unbuffered", "--quiet", f"--job-name={_name(self._run)}", "--ntasks=1",
            "--nodes=1", "--export=PATH=/usr/bin:/bin", "--chdir=/", "--kill-on-bad-exit",
            "--mpi=none",
            f"--cpus-per-task={math.ceil(limits.cpus)}", f"--mem={limits.memory_mib}M",
            f"--time={math.ceil(seconds / 60)}", *([self._gres] if gpu else []),
            *self._options, "sh", "-c", _ON_NODE, "sh", str(stderr), *map(str, needs), "--",
            *self._launcher.command(submission, data, limits, gpu),
        ]  # fmt: skip

    def _placed(
        self, srun: subprocess.Popen[bytes], answers: ReadEnd, log: Path
    ) -> tuple[str, str]:
        """Wait until the job has a node. Returns the job's number and the node's name."""
        found: list[str] = []
        reader = threading.Thread(target=lambda: found.append(_first_line(answers)), daemon=True)
        reader.start()
        while reader.is_alive():
            reader.join(_LOOK_SECONDS)
            if reader.is_alive() and (self._over.is_set() or self._stop.is_set()):
                raise SandboxError("the run was stopped before Slurm had room for this worker")
        said, _, rest = found[0].partition(" ")
        job, _, rest = rest.partition(" ")
        node, _, lacking = rest.partition(" ")
        if said == "runs":
            return job, node
        if said == "lacks":
            raise NodeLost(
                f"node {node} has no {lacking}: the folder of the run, this Python and the data "
                "must be on a file system that all nodes share (set TMPDIR to such a folder)"
            )
        with suppress(subprocess.TimeoutExpired):
            srun.wait(LOST_SECONDS)
        raise SandboxError(f"Slurm started no worker: {last_words(log).strip() or 'srun ended'}")

    def _give_up(self, srun: subprocess.Popen[bytes], answers: ReadEnd) -> None:
        """End an srun whose job waits in the queue or has just started; Slurm forgets the job."""
        srun.terminate()
        try:
            srun.wait(LOST_SECONDS)
        except subprocess.TimeoutExpired:
            srun.kill()
            srun.wait()
        assert srun.stdin
        srun.stdin.close()
        answers.close()


def _name(run: str) -> str:
    return f"grader-{run}"


def _first_line(answers: ReadEnd) -> str:
    """Read the first line byte by byte, since the protocol's frames follow it; "" at the end."""
    line = b""
    with suppress(OSError):
        while len(line) < _LONGEST_LINE and (byte := answers.read(1)) != b"\n":
            if not byte:
                return ""
            line += byte
    return line.decode(errors="replace")


def _linked(source: str, target: str) -> None:
    """Link a file; copy it if it lies on another disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
