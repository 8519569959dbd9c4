"""Probes the student's three groups of parameters, in a function or as a script leaves them."""

from __future__ import annotations

import collections.abc
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from grader.worker import networks
from grader.worker.networks.sizes import LAZY
from grader.worker.probes.script_run import (
    OF_OPTIMIZERS,
    Glimpse,
    ScriptResult,
    candidates,
    install_briefly,
    known,
    run_for_names,
)
from grader.worker.session import Answer, BadAnswer, Session, failure
from grader.worker.student_code.execution import takes
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

MOST = 10**12   # larger numbers are ids and no counts
SMALL = 3   # a network with less than a third of the other's parameters is no rival of it

# Names that a count of a group has, unlike a loop's index or a setting.
_GROUP_NAME = re.compile(r"bn|norm|bias|rest|other|affine", re.I)
_WORD = re.compile(r"[\w.]+")
_PATH = re.compile(r"\d.*\.(weight|bias)$")   # of a parameter in a part of a network


def parameter_groups(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """Collect the lists of parameters of the network `args["network"]`, and whole numbers by name.

    The value has every list found with the parameters in it, and the numbers in variables and in
    the output, which may be counts of groups. There are no blobs.
    """
    glimpse = install_briefly(session, args["network"])
    with printed.recording() as heard:
        group = glimpse.function(session, NAME)
        if group is not None and takes(group, 1):
            return _ask_function(session, glimpse, group, args, heard), ()
    best, most = None, -1
    for source in candidates(session, WANTED):
        if most > 0 and source.trains:
            continue   # a training takes time, and there are lists already
        result = run_for_names(
            session, source, glimpse, args["network"], _left_lists
        )
        usable = _usable(result)
        done = usable >= 3 or _are_group_counts(_numbers(result), result.reader)
        if usable > most or done:
            best, most = result, usable
        if done:
            break
    assert best is not None
    if best.error is not None and not most and not _numbers(best):
        raise best.error
    return _reply(session, best, glimpse.shim_log.notes), ()


def _numbers(result: ScriptResult) -> list[dict[str, Any]]:
    return _counts(result.frames, result.printed, result.reader)


def _counts(frames: list[Frame], output: str, reader: Reader) -> list[dict[str, Any]]:
    """The numbers in variables and in an output, without the counts of single layers."""
    found = [*numbers(frames, reader), *printed.numbers(output)]
    return [row for row in found if row["value"] < MOST and not _counts_a_layer(row, reader)]


def _counts_a_layer(row: Mapping[str, Any], reader: Reader) -> bool:
    """True if a number's name is that of a layer or parameter, such as `layer1.0.bn1.weight`.

    `fc` and `bias` alone are words like any other.
    """
    # In `counts.bn1.weight`, the variable's own name says nothing about layers.
    name = row["name"] if row["printed"] else row["name"].partition(".")[2]
    words = {word.strip(".") for word in _WORD.findall(name)}
    return any(
        (word in reader.known.layers and re.search(r"[.\d]", word)) or _PATH.search(word)
        for word in words
    )


def _are_group_counts(counts: list[dict[str, Any]], reader: Reader) -> bool:
    """True if the names of two numbers say that they count groups, and not layers."""
    found = {row["name"] for row in counts if _GROUP_NAME.search(row["name"])}
    return sum(not reader.known.layers & set(_WORD.findall(name)) for name in found) >= 2


def _reply(session: Session, result: ScriptResult, notes: list[str]) -> dict[str, Any]:
    found, network = _lists(result)
    error = failure(result.error, session) if result.error is not None else None
    return {
        "form": "script",
        "lists": found,
        "numbers": _numbers(result),
        "replaced": network not in result.own and bool(result.built),
        "structure": networks.describe(network),
        "error": error,
        "notes": notes + session.notes + _unsized(network),
    }


def _unsized(network: nn.Module) -> list[str]:
    """A note on the parameters of lazy layers, which are counted as nothing."""
    found = [name for name, parameter in network.named_parameters() if is_lazy(parameter)]
    return [f"{', '.join(found[:3])}: {LAZY}"] if found else []


def _lists(result: ScriptResult) -> tuple[list[dict[str, Any]], nn.Module]:
    """Lists of parameters of the network of the question, else of one of the script's own."""
    found, network = lists(result.frames, result.asked, result.own, result.reader)
    if _groups(found, network) < 2 and result.own:
        others, own = lists(result.frames, result.own, result.built, result.reader)
        # Without lists, counts are of the network that was asked for, unless it has a rival.
        rival = SMALL * len(list(own.parameters())) >= len(list(network.parameters()))
        if rival or not result.built or _groups(others, own) > 1:
            return others, own
    return found, network


def _usable(result: ScriptResult) -> int:
    """The number of different lists that may be groups; 0 if there is only one."""
    number = _groups(*_lists(result))
    return number if number > 1 else 0


def _left_lists(result: ScriptResult) -> bool:
    """True if there are lists that may be groups, apart from the groups of optimizers."""
    found, network = _lists(result)
    return _groups([row for row in found if row["origin"] != OF_OPTIMIZERS], network) > 1


def _groups(found: list[dict[str, Any]], network: nn.Module) -> int:
    """Count the lists that hold some but not all parameters, without lists of other lists."""
    everything = len(list(network.parameters()))
    wholes = {row["parent"] for row in found}
    held = {frozenset(row["names"]) for row in found if row["name"] not in wholes}
    return sum(0 < len(names) < everything for names in held)


def _ask_function(
    session: Session, glimpse: Glimpse, group: Any, args: Mapping[str, Any],
    heard: printed.RecordedOutput,
) -> dict[str, Any]:
    """The groups that the function returns; without any, those in its variables or its output."""
    network = networks.build(args["network"])
    assert session.optimizers is not None
    drained = Drained()
    reader = Reader(known([network], session.folder), drained)
    variables = Locals(session.folder)
    with variables.watched():
        returned = glimpse.call(group, network)
    drained.update(session.optimizers.used_up)
    own = [frame for frame in variables.frames() if frame.label == f"{NAME}()"]
    frames = own if returned is None else [_returned(returned, own, reader, session)]
    found, _ = lists(frames, [network], [], reader)
    counts = _counts(frames, "", reader)
    if returned is None and not _are_group_counts(counts, reader):
        counts = _counts([], heard.text, reader)
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
    """Give names to the parts of a returned value.

    Parts that have names keep them. Three parts are named by their order; the parts of a longer
    tuple by the function's own variables. The groups of an optimizer and the members of a set are
    in no order that tells which is which.
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
        variables = {id(part): name for frame in own for name, part in frame.values.items()}
        values = {
            variables.get(id(item), f"returned[{index}]"): item for index, item in enumerate(items)
        }
    else:
        values = {"returned": value}
    return Frame("returned", values, {})
