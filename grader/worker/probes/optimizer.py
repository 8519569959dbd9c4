"""The student's optimizer: which parameters are decayed, and which are in it at all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from torch.optim import Optimizer

from grader.worker.networks import resnet as networks
from grader.worker.probes.script_run import glimpse
from grader.worker.session import Answer, BadAnswer, Session
from grader.worker.student_code import sources
from grader.worker.student_code.execution import call, function
from grader.worker.values.parameter_lists import Index

NAME = "make_optimizer"


def optimizer_groups(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """args: `network`, a spec. Value: the groups of the optimizer that the student makes for it."""
    glimpse(session, None)
    make = function(session, NAME)
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
    # The network as it was before the student's code had it, in names of our own.
    return described | {"structure": structure}, ()


def describe(
    optimizer: str, param_groups: Iterable[Mapping[str, Any]], index: Index
) -> dict[str, Any]:
    """Class and groups of an optimizer, its parameters by their names in the network of `index`."""
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
