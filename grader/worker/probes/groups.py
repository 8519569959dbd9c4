"""The student's three groups of parameters, as a function's answer or as a script leaves them."""

from __future__ import annotations

import collections.abc
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from grader.worker.networks import resnet as networks
from grader.worker.probes.script_run import Left, candidates, glimpse, known, run_for_names
from grader.worker.session import Answer, BadAnswer, Session, failure
from grader.worker.student_code.execution import call, function, takes
from grader.worker.values import printed
from grader.worker.values.containers import Drained, Reader, attributes
from grader.worker.values.counts import numbers
from grader.worker.values.locals import Locals
from grader.worker.values.parameter_lists import Frame, lists

NAME = "group_parameters"
WANTED = (
    f"a function {NAME}(model), or three lists of parameters, of names, or of (name, parameter) "
    "pairs, at the top of a script or inside a function without arguments"
)


# Names of counts that are no loop's index and no setting: enough to look no further.
_SPEAKS = re.compile(r"bn|norm|bias|rest|other|affine", re.I)
_WORD = re.compile(r"[\w.]+")


def parameter_groups(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """args: `network`, a spec. Value: every list found, and what it holds of that network; whole
    numbers by name, also those that were printed."""
    stage = glimpse(session, args["network"])
    with printed.recording() as heard:
        group = function(session, NAME)
        if group is not None and takes(group, 1):
            return _ask_function(session, group, args, heard), ()
    best, most = None, -1
    for source in candidates(session, WANTED):
        if most > 0 and source.trains:
            continue   # which takes time, for a list that is lacking
        left = run_for_names(
            session, source, stage, args["network"], lambda left: _usable(left) > 0
        )
        usable = _usable(left)
        done = usable >= 3 or _speaks(_numbers(left), left.reader)
        if usable > most or done:
            best, most = left, usable
        if done:
            break
    assert best is not None
    if best.error is not None and not most and not _numbers(best):
        raise best.error
    return _told(session, best, stage.notes), ()


def _numbers(left: Left) -> list[dict[str, Any]]:
    return [*numbers(left.frames, left.reader), *printed.numbers(left.printed)]


def _speaks(counts: list[dict[str, Any]], reader: Reader) -> bool:
    """Whether numbers are counts of groups, by their names, and not of layers."""
    found = {row["name"] for row in counts if _SPEAKS.search(row["name"])}
    return sum(not reader.known.layers & set(_WORD.findall(name)) for name in found) >= 2


def _told(session: Session, left: Left, notes: list[str]) -> dict[str, Any]:
    found, network = _lists(left)
    error = failure(left.error, session.folder) if left.error is not None else None
    return {
        "form": "script",
        "lists": found,
        "numbers": _numbers(left),
        "replaced": network not in left.own and bool(left.built),
        "structure": networks.describe(network),
        "error": {key: error[key] for key in ("message", "traceback")} if error else None,
        "notes": notes + session.notes,
    }


def _lists(left: Left) -> tuple[list[dict[str, Any]], nn.Module]:
    """Of the network that was asked about, else of one of the script's own."""
    found, network = lists(left.frames, left.asked, left.own, left.reader)
    if _groups(found, network) < 2 and left.own:
        return lists(left.frames, left.own, left.built, left.reader)
    return found, network


def _usable(left: Left) -> int:
    """How many different lists there are that may be groups; 0 if there is only one."""
    number = _groups(*_lists(left))
    return number if number > 1 else 0


def _groups(found: list[dict[str, Any]], network: nn.Module) -> int:
    """Not of nothing and not of everything, and none that was told by its parts."""
    everything = len(list(network.parameters()))
    wholes = {row["parent"] for row in found}
    held = {frozenset(row["names"]) for row in found if row["name"] not in wholes}
    return sum(0 < len(names) < everything for names in held)


def _ask_function(
    session: Session, group: Any, args: Mapping[str, Any], heard: printed.RecordedOutput
) -> dict[str, Any]:
    """What it returns; else what it had in its own names, or printed."""
    network = networks.build(args["network"])
    reader = Reader(known([network], session.folder), Drained())
    watched = Locals(session.folder)
    with watched.watched():
        returned = call(group, network)
    own = [frame for frame in watched.frames() if frame.label == f"{NAME}()"]
    frames = own if returned is None else [_returned(returned, own, reader, session)]
    found, _ = lists(frames, [network], [], reader)
    counts = numbers(frames, reader)
    if returned is None and not _speaks(counts, reader):
        counts = printed.numbers(heard.text)
    if len(found) < 2 and not counts:
        raise BadAnswer(
            f"{NAME}(model) returned {type(returned).__name__}; three lists were expected: "
            "batch-norm affine parameters, biases, all the rest"
        )
    return {
        "form": "function",
        "lists": found,
        "numbers": counts,
        "replaced": True,
        "structure": networks.describe(network),
        "notes": session.notes,
    }


def _returned(value: Any, own: list[Frame], reader: Reader, session: Session) -> Frame:
    """A returned tuple of three becomes three names in order; what has names keeps them, and of a
    tuple of more each part has the name that the function itself had for it.

    The groups of an optimizer are in no order that says which is which, nor is a set.
    """
    named = value if isinstance(value, Mapping) else attributes(value, session.folder)
    parts = reader.parts(value) or []
    items = [[part] if isinstance(part, torch.Tensor) else part for _, part in parts]
    if named is not None and "params" not in named:
        values = {str(key): part for key, part in named.items()}
    elif isinstance(value, collections.abc.Set) or any(
        isinstance(item, Mapping) and "params" in item for item in items
    ):
        values = {f"group {index}": item for index, item in enumerate(items)}
    elif len(items) == 3:
        values = {f"returned[{index}]": item for index, item in enumerate(items)}
    elif isinstance(value, tuple):
        called = {id(part): name for frame in own for name, part in frame.values.items()}
        values = {
            called.get(id(item), f"returned[{index}]"): item for index, item in enumerate(items)
        }
    else:
        values = {"returned": value}
    return Frame("returned", values, {})
