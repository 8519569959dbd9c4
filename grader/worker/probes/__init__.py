"""What the worker can be asked: each kind of question has one probe."""

from __future__ import annotations

from collections.abc import Mapping

from grader.worker.probes import evaluation, groups, layers, optimizer, training
from grader.worker.session import Probe

PROBES: Mapping[str, Probe] = {
    "layer_counts": layers.layer_counts,
    "parameter_groups": groups.parameter_groups,
    "optimizer_groups": optimizer.optimizer_groups,
    "evaluate": evaluation.evaluate,
    "train": training.train,
    "predict": training.predict,
}
