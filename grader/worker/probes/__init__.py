"""What the worker can be asked: each kind of question has one probe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grader.worker.probes import custom as own
from grader.worker.probes import evaluation, groups, layers, optimizer, training
from grader.worker.probes.integrity import seal
from grader.worker.session import Answer, BadAnswer, Probe, Session

_PROBES: Mapping[str, Probe] = {
    "layer_counts": layers.layer_counts,
    "parameter_groups": groups.parameter_groups,
    "optimizer_groups": optimizer.optimizer_groups,
    "evaluate": evaluation.evaluate,
    "train": training.train,
    "predict": training.predict,
    "own": own.own,
}


def _sealed(probe: Probe) -> Probe:
    """What the probe says, unless the worker's own code was replaced by then."""

    def ask(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
        try:
            return probe(session, args, blobs)
        finally:
            replaced = before.broken()
            if replaced is not None:
                raise BadAnswer(f"the grader's own code was replaced while it ran: {replaced}")

    return ask


before = seal()
PROBES: Mapping[str, Probe] = {kind: _sealed(probe) for kind, probe in _PROBES.items()}
