"""Computes on every lent GPU before the first student is asked.

Without this a GPU that torch cannot use would become a run on the processor, without a sign.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from grader.errors import GpuUnavailable
from grader.records import ALL_GPUS, Evidence, Question
from grader.rubric.model import Limits
from grader.sandbox.base import Job, Sandbox
from grader.sandbox.conversation import converse
from grader.sandbox.outcomes import NODE_LOST

SECONDS = 120.0   # a sleeping GPU takes a while to wake
ATTEMPTS = 3      # while machines of a pool go away
ADVICE = (
    "Compare the driver (`nvidia-smi`) with what this torch needs, see docs/docker.md, or grade"
    " without GPUs: `--gpus none`."
)
QUESTION = Question("gpu", "gpu", {}, "gpu", SECONDS)


def examine_gpus(
    sandbox: Sandbox, gpus: Sequence[str], slots_per_gpu: int, share: float | None,
    limits: Limits, folder: Path,
) -> None:
    """Compute on every GPU, in as many workers at a time as will train there.

    `ALL_GPUS` means what there is, which may be none, so it is not examined.

    Args:
        sandbox: Starts the workers.
        gpus: Ids of the GPUs. Where a sandbox chooses the GPU itself, it spreads the workers.
        slots_per_gpu: Workers on each GPU.
        share: The share of a GPU's memory for each worker; None: no limit.
        limits: Limits of each worker.
        folder: An empty folder for the workers is created in it.

    Raises:
        GpuUnavailable: A GPU does not work, or a worker that was lent one does not see it.
    """
    lent = () if tuple(gpus) == ALL_GPUS else tuple(gpus)
    if not lent:
        return
    nothing = Path(tempfile.mkdtemp(prefix="canary-", dir=folder))
    nothing.chmod(0o755)   # a container's user is another one
    job = Job("canary", nothing, (QUESTION,), limits, gpu_share=share, gpu=True)

    def ask(gpu: str) -> Evidence:
        for _ in range(ATTEMPTS):
            (evidence,) = converse(sandbox, job, (gpu,))
            if evidence.outcome.kind != NODE_LOST:
                break
        return evidence

    workers = lent * slots_per_gpu
    with ThreadPoolExecutor(len(workers)) as pool:
        answers = list(pool.map(ask, workers))
    for gpu, evidence in zip(workers, answers, strict=True):
        if problem := _problem(evidence):
            advice = " " + ADVICE if "--gpus none" not in problem else ""
            raise GpuUnavailable(
                f"Nothing was asked of any submission: GPU {gpu} was lent and does not work in the"
                f" {sandbox.name} sandbox: {problem}.{advice}"
            )


def _problem(evidence: Evidence) -> str:
    """Say what is wrong with a GPU; "" if it computed what the processor did."""
    outcome = evidence.outcome
    if not outcome.answered:
        return (outcome.message or outcome.kind).rstrip(".")
    found = evidence.value["gpus"]
    if not found:
        return "a worker that was lent it sees no GPU"
    wrong = [one["name"] for one in found if not one["correct"]]
    return f"its results are wrong ({wrong[0]})" if wrong else ""
