"""Probes the student's `make_optimizer`: which parameters it has, and which of them are decayed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from torch.optim import Optimizer

from grader.worker import networks
from grader.worker.probes.script_run import install_briefly
from grader.worker.session import Answer, BadAnswer, Session
from grader.worker.student_code import sources
from grader.worker.student_code.execution import call
from grader.worker.values.parameter_lists import Index

NAME = "make_optimizer"


def optimizer_groups(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """Describe the optimizer that the student's function makes for the network `args["network"]`.

    The value is that of `describe`, with the network's `structure`. There are no blobs.
    """
    make = install_briefly(session, None).function(session, NAME)
    if make is None:
        raise sources.not_found(session.folder, f"a function {NAME}(model)")
    network = networks.build(args["network"])
    index, structure = Index(network), networks.describe(network)
    made = call(make, network)
    if isinstance(made, (tuple, list)):
        made = next((item for item in made if isinstance(item, Optimizer)), made)
    if not isinstance(made, Optimizer):
        raise BadAnswer(
            f"{NAME}(model) returned {type(made).__name__}; a torch.optim.Optimizer was expected"
        )
    try:
        described = describe(type(made).__name__, made.param_groups, index)
    except Exception as error:
        raise BadAnswer(
            f"{NAME}(model) returned {type(made).__name__}, whose groups cannot be read: "
            f"{type(error).__name__}"
        ) from None
    for group in described["groups"]:
        for setting in ("lr", "weight_decay", "momentum"):
            if not math.isfinite(group[setting]):
                raise BadAnswer(f"{NAME}(model) returned an optimizer with {setting}=nan or inf")
    # The structure is that of before the student's code had the network.
    return described | {"structure": structure}, ()


def describe(
    optimizer: str, param_groups: Iterable[Mapping[str, Any]], index: Index
) -> dict[str, Any]:
    """Describe an optimizer as plain data.

    Args:
        optimizer: its class name.
        param_groups: its parameter groups.
        index: the names of the network's parameters; others are counted as `foreign`.
    """
    groups = []
    for group in param_groups:
        names = [index.names.get(id(parameter)) for parameter in group["params"]]
        groups.append(
            {
                "names": [name for name in names if name is not None],
                "foreign": names.count(None),
                "weight_decay": float(group.get("weight_decay", 0.0)),
                "lr": float(group["lr"]),
                "momentum": float(group.get("momentum", 0.0)),
                "nesterov": bool(group.get("nesterov", False)),
            }
        )
    return {"optimizer": optimizer, "groups": groups}
