"""Reports an observed training as plain data for the host."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from grader.worker import networks, shims
from grader.worker.networks.sizes import elements
from grader.worker.observer.built_optimizers import BuiltOptimizers
from grader.worker.observer.networks import ObservedNetwork, tracked_batches
from grader.worker.observer.observer import Observer
from grader.worker.probes.candidates import Candidate, substantially_trained
from grader.worker.probes.cautions import cautions
from grader.worker.probes.optimizer import describe
from grader.worker.session import Session, encodable, failure
from grader.worker.student_code import sources
from grader.worker.values.parameter_lists import Index

MAX_BUILT = 8


def report(
    session: Session,
    observer: Observer,
    chosen: Candidate,
    shim_log: shims.ShimLog,
    returned: Any,
    error: BaseException | None,
) -> dict[str, Any]:
    """Describe a training; `sandbox/answer_schema.py` has the fields.

    The supervisor replaces those that follow from the events of the training, by its own record of
    the events for the network or the parts in `graded`.

    Args:
        session: the session.
        observer: the observer of the training, finished.
        chosen: the network that predicts.
        shim_log: what the shims served and noted.
        returned: what the student's code returned, for the accuracy that it reports.
        error: the exception that ended the training, if any.
    """
    network = chosen.observed.module
    problem = failure(error, session) if error is not None else None
    found = cautions(observer, chosen.observed, shim_log)
    value = observer.history.report(chosen.observed.told) | {
        "graded": list(chosen.observed.told.numbers),
        "form": "script" if chosen.prepared.way != "function" else "function",
        "batches_tracked": tracked_batches(network),
        "images_per_epoch": round(session.home.share * _images_per_epoch(chosen.observed)),
        "reported_accuracy": reported_accuracy(returned),
        "error": problem,
        "unseen": observer.ledger.facts(chosen.observed, chosen.network),
        "uncalled": sources.uncalled_mode_switches(session.folder),
        "mistakes": [dataclasses.asdict(one) for one in found],
        "network": {
            "name": type(network).__name__,
            "parameters": sum(map(elements, network.parameters())),
        },
        "prepared": {"way": chosen.prepared.way, "sure": chosen.prepared.sure},
        "notes": [*shim_log.notes, *session.notes, *_notes(observer, chosen)],
        "device": _device(network),
        "figures": [
            {"title": one.title, "height": one.pixels.shape[0], "width": one.pixels.shape[1]}
            for one in shim_log.figures
        ],
    }
    return {key: encodable(part) for key, part in value.items()}


def _notes(observer: Observer, chosen: Candidate) -> list[str]:
    found = []
    count = len(substantially_trained(observer.trained))
    if count > 1:
        name = type(chosen.observed.module).__name__
        found.append(
            f"{count} networks were trained; {name}{_where(chosen.observed)} is graded, since it "
            "is the most accurate on the validation images"
        )
    if chosen.name:
        found.append(
            f"{chosen.name} predicts the hidden images, since it is more accurate on the "
            "validation images than the network as the code left it"
        )
    return found


def _where(observed: ObservedNetwork) -> str:
    first = next((phase.place for phase in observed.phases if phase.place), None)
    return f" (called at {first})" if first else ""


def _images_per_epoch(observed: ObservedNetwork) -> int:
    """The size of the training set; 0 where no loader tells."""
    try:
        loader = observed.training_loader
        return len(loader.dataset) if loader is not None else 0  # type: ignore[arg-type]  # a Dataset may have a length
    except TypeError:
        return 0


def _device(network: nn.Module) -> str:
    parameter = next(network.parameters(), None)
    return str(parameter.device) if parameter is not None else "cpu"


def built_optimizers(found: BuiltOptimizers) -> list[dict[str, Any]]:
    """Describe the optimizers that took no step, the latest last.

    Optimizers that share a network's parameters among them are described as one.
    """
    joined: list[tuple[list[str], list[dict[str, Any]], nn.Module]] = []
    for one in found.found:
        if one.network is None:
            continue
        groups = one.optimizer.param_groups
        name, own = type(one.optimizer).__name__, _ids(groups)
        if joined and joined[-1][2] is one.network and not own & _ids(joined[-1][1]):
            joined[-1][0].append(name)
            joined[-1][1].extend(groups)
        else:
            joined.append(([name], list(groups), one.network))
    described = [
        describe(" and ".join(dict.fromkeys(names)), groups, Index(network))
        | {"structure": networks.describe(network), "penalised": []}
        for names, groups, network in joined[-MAX_BUILT:]
    ]
    return [encodable(one) for one in described]


def _ids(groups: list[dict[str, Any]]) -> set[int]:
    return {id(parameter) for group in groups for parameter in group["params"]}


def reported_accuracy(returned: Any) -> float | None:
    """The last validation accuracy in what `train` returned, as a fraction; None if not found."""
    for _ in range(3):   # a list of lists, but no list that contains itself
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
