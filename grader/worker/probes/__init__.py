"""The probes: one function per kind of question, which runs the student's code and answers.

A probe knows nothing of rubrics, points or expected values. `PROBES` maps a question's `kind` to
its probe. Observing a training belongs in `observer`, reading Python values in `values`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grader.worker.probes import canary, custom, evaluation, groups, layers, optimizer, training
from grader.worker.probes.integrity import take_snapshot
from grader.worker.session import Answer, BadAnswer, Probe, Session

_PROBES: Mapping[str, Probe] = {
    "layer_counts": layers.layer_counts,
    "parameter_groups": groups.parameter_groups,
    "optimizer_groups": optimizer.optimizer_groups,
    "evaluate": evaluation.evaluate,
    "train": training.train,
    "predict": training.predict,
    "own": custom.run_custom,
    "gpu": canary.examine_gpus,
}


def _checked(probe: Probe) -> Probe:
    """The probe, with BadAnswer in place of its answer if the worker's own code was replaced."""

    def ask(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
        try:
            return probe(session, args, blobs)
        finally:
            replaced = snapshot.first_change()
            if replaced is not None:
                raise BadAnswer(f"the grader's own code was replaced while it ran: {replaced}")

    return ask


snapshot = take_snapshot()
PROBES: Mapping[str, Probe] = {kind: _checked(probe) for kind, probe in _PROBES.items()}
