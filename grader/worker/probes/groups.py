"""The student's three groups of parameters, as a function's answer or as a script leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from grader.worker import networks, sources
from grader.worker.found import Frame, lists, numbers
from grader.worker.probes.frames import Left, Locals, candidates, glimpse, run_for_names
from grader.worker.running import call, function, takes
from grader.worker.session import Answer, BadAnswer, Session

NAME = "group_parameters"
WANTED = (
    f"a function {NAME}(model), or three lists of parameters, of names, or of (name, parameter) "
    "pairs, at the top of a script or inside a function without arguments"
)


def parameter_groups(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """args: `network`, a spec. Value: every list found, and what it holds of that network."""
    stage = glimpse(session, args["network"])
    group = function(session, NAME)
    if group is not None and takes(group, 1):
        return _ask_function(session, group, args), ()
    for source in candidates(session, WANTED):
        left = run_for_names(session, source, stage, lambda left: _usable(_lists(left, args)[0]))
        found, network = _lists(left, args)
        counts = numbers(left.frames)
        if not _usable(found) and left.error is not None:
            raise left.error
        if _usable(found) or counts:
            return {
                "form": "script",
                "file": source.path.name,
                "lists": found,
                "numbers": counts,
                "replaced": network not in left.own and bool(stage.built),
                "structure": networks.describe(network),
                "notes": stage.notes + session.notes,
            }, ()
    raise sources.not_found(session.folder, WANTED)


def _lists(left: Left, args: Mapping[str, Any]) -> tuple[list[dict[str, Any]], nn.Module]:
    """Of the network that was asked about, else of one of the script's own."""
    built = left.built or [networks.build(args["network"])]
    found, network = lists(left.frames, built, left.own)
    if not _usable(found) and left.own:
        return lists(left.frames, left.own, left.built)
    return found, network


def _usable(found: list[dict[str, Any]]) -> bool:
    return sum(bool(row["names"]) for row in found) >= 2


def _ask_function(session: Session, group: Any, args: Mapping[str, Any]) -> dict[str, Any]:
    network = networks.build(args["network"])
    source = sources.defining(session.folder, NAME)
    assert source is not None
    watched = Locals(source)
    with watched.watched():
        returned = call(group, network)
    own = [frame for frame in watched.frames() if frame.label == f"{NAME}()"]
    frames = own if returned is None else [_returned(returned, own)]
    found, _ = lists(frames, [network], [])
    if len(found) < 2:
        raise BadAnswer(
            f"{NAME}(model) returned {type(returned).__name__}; three lists were expected: "
            "batch-norm affine parameters, biases, all the rest"
        )
    return {
        "form": "function",
        "file": source.path.name,
        "lists": found,
        "numbers": [],
        "replaced": True,
        "structure": networks.describe(network),
        "notes": session.notes,
    }


def _returned(value: Any, own: list[Frame]) -> Frame:
    """A returned tuple of three becomes three names in order; a dict keeps its own names, and of a
    tuple of more each part has the name that the function itself had for it."""
    if isinstance(value, Mapping):
        values = {str(key): part for key, part in value.items()}
    elif isinstance(value, (tuple, list)) and len(value) == 3:
        values = {f"returned[{index}]": part for index, part in enumerate(value)}
    elif isinstance(value, tuple):
        called = {id(part): name for frame in own for name, part in frame.values.items()}
        values = {
            called.get(id(part), f"returned[{index}]"): part for index, part in enumerate(value)
        }
    else:
        values = {"returned": value}
    return Frame("returned", values, {})
