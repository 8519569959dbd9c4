"""What is told of a training that was watched."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from grader.worker import networks, sources, stand_ins
from grader.worker.found import Index
from grader.worker.observe import Observer, tracked_batches
from grader.worker.probes.optimizer import describe
from grader.worker.session import Session, failure
from grader.worker.steps import Settings


def report(
    session: Session,
    observer: Observer,
    stage: stand_ins.Stage,
    returned: Any,
    error: BaseException | None,
    classes: int,
) -> dict[str, Any]:
    network = observer.steps.network
    assert network is not None
    used = observer.steps.settings(network)
    problem = failure(error, session.folder) if error is not None else None
    return {
        "form": "function" if _has_functions(session) else "script",
        "runs": [_finite(dataclasses.asdict(run)) for run in observer.runs],
        "steps": observer.steps.count,
        "stopped": observer.stopped,
        "batches_tracked": tracked_batches(network),
        "optimizer": _finite(_optimizer(used, network)) if used else None,
        "reported_accuracy": reported_accuracy(returned),
        "error": {key: problem[key] for key in ("message", "traceback")} if problem else None,
        "uncalled": sources.uncalled_mode_switches(session.folder),
        "notes": stage.notes + session.notes,
        "device": str(next(network.parameters()).device),
        "threads": torch.get_num_threads(),
        "cpus": os.cpu_count(),
        "classes": classes,
    }


def _optimizer(used: Settings, network: nn.Module) -> dict[str, Any]:
    described = describe(used.optimizer, used.groups, Index(network))
    return described | {"structure": networks.describe(network)}


def _has_functions(session: Session) -> bool:
    return any(sources.defining(session.folder, name) for name in ("train", "train_one_epoch"))


def reported_accuracy(returned: Any) -> float | None:
    """The last validation accuracy in what `train` returned, as a fraction; None if not found."""
    for _ in range(3):   # of a list of lists, and not of a list that holds itself
        if isinstance(returned, (list, tuple)) and returned:
            returned = returned[-1]
    if isinstance(returned, Mapping):
        names = [name for name in returned if "acc" in str(name).lower()]
        names.sort(key=lambda name: ("val" in str(name) or "test" in str(name)), reverse=True)
        for name in names:
            value = returned[name]
            if isinstance(value, (list, tuple)) and value:
                value = value[-1]
            if isinstance(value, (int, float, torch.Tensor)):
                number = _as_number(value)
                if 0 <= number <= 100:
                    return number / 100 if number > 1 else number
    return None


def _as_number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):   # a tensor of several, say
        return float("nan")


def _finite(value: Any) -> Any:
    """NaN and infinity as text: a frame carries neither, and a diverged loss is worth telling."""
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return value
