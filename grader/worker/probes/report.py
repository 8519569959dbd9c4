"""What is told of a training that was watched."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from grader.worker import shims as stand_ins
from grader.worker.networks import resnet as networks
from grader.worker.observer.networks import Watched, tracked_batches
from grader.worker.observer.observer import Observer
from grader.worker.observer.optimizer_steps import Settings
from grader.worker.probes.candidates import Candidate, alike, serious
from grader.worker.probes.cautions import cautions, words
from grader.worker.probes.optimizer import describe
from grader.worker.session import Session, failure, printable
from grader.worker.student_code import sources
from grader.worker.values.parameter_lists import Index

MAX_RATES = 400
_FIELDS = (
    "kind", "after_steps", "passes", "images", "norms_training", "norms_evaluating",
    "dropouts_training", "with_gradients", "seen", "correct", "loss", "lr", "statistics_moved",
    "ended_at",
)


def report(
    session: Session,
    observer: Observer,
    chosen: Candidate,
    stage: stand_ins.Stage,
    returned: Any,
    error: BaseException | None,
) -> dict[str, Any]:
    network = chosen.watched.module
    used = observer.steps.settings(network)
    problem = failure(error, session.folder) if error is not None else None
    found = cautions(observer, chosen.watched, stage)
    told = {
        "form": "script" if chosen.prepared.way != "function" else "function",
        "runs": list(_rows(observer, chosen)),
        "steps": chosen.watched.steps,
        "stopped": observer.stopped,
        "batches_tracked": tracked_batches(network),
        "optimizer": _optimizer(used, network) if used else None,
        # One that is built steps once by itself.
        "schedulers": [name for name, times in observer.steps.schedulers.items() if times > 1],
        "rates": [list(rate) for rate in _some(observer.steps.rates)],
        "images_per_epoch": _images_per_epoch(chosen.watched),
        "reported_accuracy": reported_accuracy(returned),
        "error": {key: problem[key] for key in ("message", "traceback")} if problem else None,
        "uncalled": sources.uncalled_mode_switches(session.folder),
        "mistakes": [dataclasses.asdict(one) for one in found],
        "network": {
            "name": type(network).__name__,
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
        },
        "prepared": {"way": chosen.prepared.way, "sure": chosen.prepared.sure},
        "notes": [*stage.notes, *session.notes, *_notes(observer, chosen)],
        "device": _device(network),
        "figures": [
            {"title": one.title, "height": one.pixels.shape[0], "width": one.pixels.shape[1]}
            for one in stage.figures
        ],
    }
    return {key: _sayable(value) for key, value in told.items()}


def _rows(observer: Observer, chosen: Candidate) -> Iterator[dict[str, Any]]:
    """The runs of the network, and the evaluations of its copies among them, in order."""
    watched = chosen.watched
    copies = [one for one in observer.evaluated if alike(one.module, watched.module)]
    runs = [(run, watched) for run in watched.runs]
    runs += [(run, one) for one in copies for run in one.runs]
    steps = sorted((run.order, run.after_steps, run.ended_at) for run in watched.runs)
    for run, owner in sorted(runs, key=lambda pair: pair[0].order):
        row = {name: getattr(run, name) for name in _FIELDS}
        if owner is not watched:   # a copy has taken no steps: when was it looked at?
            before = [one for one in steps if one[0] <= run.order]
            row["after_steps"] = watched.progress if before and before[-1][2] else 0
            row["ended_at"] = before[-1][2] if before else 0
        yield row | {
            "place": words(run.place),
            "on_training_data": run.kind == "evaluate" and watched.on_training_data(run),
        }


def _notes(observer: Observer, chosen: Candidate) -> list[str]:
    found = []
    count = len(serious(observer.trained))
    if count > 1:
        name = type(chosen.watched.module).__name__
        found.append(
            f"{count} networks were trained; the one that is graded is {name}"
            f"{_where(chosen.watched)}, which does best on the validation images"
        )
    if chosen.name:
        found.append(
            f"{chosen.name} does better on the validation images than the network as the code left "
            "it, and is what predicts the hidden images"
        )
    return found


def _where(watched: Watched) -> str:
    first = next((run.place for run in watched.runs if run.place), None)
    return f" (called at {words(first)})" if first else ""


def _images_per_epoch(watched: Watched) -> int:
    """0 where no loader tells."""
    try:
        loader = watched.training_loader
        return len(loader.dataset) if loader is not None else 0  # type: ignore[arg-type]  # a Dataset may have a length
    except TypeError:
        return 0


def _some(rates: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    step = -(-len(rates) // MAX_RATES) or 1
    return [(number, lr) for number, lr in rates[::step] if np.isfinite(lr)]


def _device(network: nn.Module) -> str:
    parameter = next(network.parameters(), None)
    return str(parameter.device) if parameter is not None else "cpu"


def _optimizer(used: Settings, network: nn.Module) -> dict[str, Any]:
    described = describe(used.optimizer, used.groups, Index(network))
    return described | {"structure": networks.describe(network)}


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


def _sayable(value: Any) -> Any:
    """As a frame can carry it: NaN and infinity as text, since a diverged loss is worth telling,
    and names of the student's without half characters."""
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _sayable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_sayable(inner) for inner in value]
    return value
