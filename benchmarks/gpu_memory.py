"""Lines of the GPU check about a GPU that is lent, missing or shared.

Code runs in the process sandbox, as `grader run --sandbox process --gpus 0` runs it. A third of the
GPU means the share of a run with three slots.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from benchmarks.gpu_line import Check, Line, Wrong, environment
from grader.checks.hidden_networks import RESNET18
from grader.errors import GpuUnavailable
from grader.records import Outcome, Question
from grader.rubric.model import Limits
from grader.run.gpu_canary import examine_gpus
from grader.run.schedule import Slots
from grader.sandbox.base import Job
from grader.sandbox.conversation import converse
from grader.sandbox.process import ProcessSandbox

SLOTS = 3
NO_SUCH_GPU = "99"
_LIMITS = Limits(memory_mib=16_384)   # of host memory: CUDA's own libraries take some


def _canary(check: Check, slots: int) -> str:
    share = Slots(1, check.gpus, slots).gpu_share
    examine_gpus(ProcessSandbox(), check.gpus, slots, share, _LIMITS, check.folder)
    return f"{slots} {'worker' if slots == 1 else 'workers at a time'} computed correctly"


def _missing(check: Check) -> str:
    try:
        examine_gpus(ProcessSandbox(), (NO_SUCH_GPU,), 1, None, _LIMITS, check.folder)
    except GpuUnavailable as error:
        return f"refused: {error}"
    raise Wrong(f"GPU {NO_SUCH_GPU} was said to work")


def _unlent(check: Check) -> str:
    outcome = _asked(check, "assert not torch.cuda.is_available()", gpus=(), share=None)
    return _expect(outcome, "answered", "student")


def _share(check: Check) -> str:
    """Two workers hold a quarter of the GPU each while a third one asks for more than its share."""
    hold = "held = take(0.25)\nimport time; time.sleep(8)"
    greedy = "held = [take(0.2), take(0.2)]"
    with ThreadPoolExecutor(SLOTS) as pool:
        outcomes = list(pool.map(partial(_asked, check), (hold, hold, greedy)))
    seen = [_expect(one, "answered", "student") for one in outcomes[:2]]
    return "; ".join((*seen, _expect(outcomes[2], "memory_limit", "student")))


def _neighbour(check: Check) -> str:
    """Somebody else fills the GPU, so that code within its share finds no memory."""
    with _full_gpu(check, 0.85):
        outcome = _asked(check, "held = take(0.25)")
    return _expect(outcome, "worker_failed", "harness")


def _asked(
    check: Check, code: str, gpus: tuple[str, ...] | None = None, share: float | None = 0.9 / SLOTS
) -> Outcome:
    """Run code in a worker that was lent the GPU; it may `take` a part of the GPU's memory."""
    work = check.folder / f"work-{time.monotonic_ns()}"
    work.mkdir()
    body = "".join(f"    {line}\n" for line in code.splitlines())
    (work / "hw2.py").write_text(
        "import torch\n\n\ndef take(part):\n"
        "    total = torch.cuda.get_device_properties(0).total_memory\n"
        "    return torch.empty(int(part * total), dtype=torch.uint8, device='cuda')\n\n\n"
        f"def group_parameters(model):\n{body}    return [], [], list(model.parameters())\n",
        encoding="utf-8",
    )
    lent = check.gpus if gpus is None else gpus
    question = Question("groups", "parameter_groups", {"network": RESNET18}, "groups", 60)
    job = Job("check", work, (question,), _LIMITS, gpu_share=share, gpu=bool(lent))
    (evidence,) = converse(ProcessSandbox(), job, lent)
    return evidence.outcome


def _expect(outcome: Outcome, kind: str, owner: str) -> str:
    seen = f"{outcome.kind} ({outcome.owner}) {outcome.message}".strip()
    if (outcome.kind, outcome.owner) != (kind, owner):
        raise Wrong(f"expected {kind} ({owner}), seen {seen}")
    return seen


@contextmanager
def _full_gpu(check: Check, part: float) -> Iterator[None]:
    """Hold so much of the GPU's memory in a process that is no worker of the grader's."""
    code = (
        "import sys, torch\n"
        "total = torch.cuda.get_device_properties(0).total_memory\n"
        f"held = torch.empty(int({part} * total), dtype=torch.uint8, device='cuda')\n"
        "print('full', flush=True)\nsys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=environment(check),
    )
    try:
        assert process.stdout
        if process.stdout.readline().strip() != "full":
            raise Wrong("the neighbour could not fill the GPU: is it in use?")
        yield
    finally:
        process.kill()
        process.wait()


LINES: Mapping[str, Line] = {
    "canary": Line("canary", "a worker that was lent the GPU computes as the CPU does",
                   partial(_canary, slots=1)),
    "canaries": Line("canaries", f"the same in {SLOTS} slots, with a third of the memory each",
                     partial(_canary, slots=SLOTS)),
    "missing": Line("missing", f"GPU {NO_SUCH_GPU} is refused with the reason", _missing,
                    needs_gpu=False),
    "unlent": Line("unlent", "a worker that was lent none sees none", _unlent, needs_gpu=False),
    "share": Line("share", "of three slots, the one that exceeds its share has a `memory_limit`",
                  _share),
    "neighbour": Line("neighbour", "memory that a neighbour took is the harness's failure",
                      _neighbour),
}  # fmt: skip
