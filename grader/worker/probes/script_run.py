"""Runs a script for the values that it leaves: its variables, its functions' locals, its output.

Locals are read as one of the student's functions returns. A training within the script is kept
short: it gets a few images and is stopped after a few steps.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import nn

from grader.worker import networks, shims
from grader.worker.dataset_view import View, open_view
from grader.worker.observer.built_optimizers import BuiltOptimizers
from grader.worker.observer.observer import Budget, BudgetReached, Observer
from grader.worker.session import Session
from grader.worker.student_code import sources
from grader.worker.student_code.entry_points import inspecting_scripts
from grader.worker.student_code.execution import (
    call,
    function,
    is_ordinary_end,
    run_as_script,
)
from grader.worker.student_code.sources import Source
from grader.worker.values.containers import Drained, Known, Reader, attributes
from grader.worker.values.locals import Locals
from grader.worker.values.parameter_lists import Frame
from grader.worker.values.printed import recording

BRIEF_IMAGES = 32
BRIEF = Budget(images=4 * BRIEF_IMAGES, seconds=10)
MOST_OBJECTS = 60
MOST_SCRIPTS = 3
OF_OPTIMIZERS = "the optimizers that it built"

_NETWORK_NAMES = {"model", "net", "network", "module", "resnet", "m"}
_TRAINS = re.compile(r"train|fit|eval|valid|test|predict", re.I)
_WRAPPED = ("module", "_orig_mod")


def view_of(session: Session) -> View | None:
    """The session's data; None without data or classes."""
    view = open_view(session.data) if session.data is not None else None
    return view if view is not None and view.classes else None


@dataclass(frozen=True)
class Glimpse:
    """Shims and an observer for a question that is not about training.

    They give hardly any data and no time to train.
    """

    shim_log: shims.ShimLog
    observer: Observer

    def function(self, session: Session, name: str) -> Callable[..., Any] | None:
        """Like `execution.function`; a training at the top of its file is kept short."""
        with self.observer.watching():
            return function(session, name)

    def call(self, student: Callable[..., Any], *arguments: Any) -> Any:
        """Like `execution.call`; None if a training within it was kept short."""
        try:
            with self.observer.watching():
                return call(student, *arguments)
        except BudgetReached:
            return None


def install_briefly(session: Session, network: Mapping[str, Any] | None) -> Glimpse:
    """Install shims and an observer for a question that is not about training.

    `network` is a spec that replaces each ResNet that the script asks for.
    """
    session.optimizers = BuiltOptimizers(also_used=True)
    session.optimizers.install()
    torch.set_num_threads(1)  # for so little work, threads cost more than they save
    observer = Observer(BRIEF, session.folder)
    observer.install()
    shim_log = shims.install(network, view_of(session), BRIEF_IMAGES, session.home)
    return Glimpse(shim_log, observer)


@dataclass(frozen=True)
class ScriptResult:
    """The values that a script left.

    Attributes:
        frames: variables; those of functions come first, those of the script last.
        built: networks that the grader built for the script.
        own: networks of the script's own.
        asked: `built`, or the network of the question where the script has built none.
        error: the exception that ended the script.
        printed: the script's output.
        reader: reads the values in the frames.
    """

    frames: list[Frame]
    built: list[nn.Module]
    own: list[nn.Module]
    asked: list[nn.Module]
    error: BaseException | None
    printed: str
    reader: Reader


def run_for_names(
    session: Session,
    source: Source,
    glimpse: Glimpse,
    spec: Mapping[str, Any],
    answers: Callable[[ScriptResult], bool],
) -> ScriptResult:
    """Run a script, then its functions without arguments that it did not call.

    If the result still answers nothing, functions that take a network and nothing else are called
    too.

    Args:
        session: the session; exceptions of functions are added to its notes.
        source: the script.
        glimpse: the shims, which know the networks that they built, and the observer.
        spec: the network of the question.
        answers: tells whether a result answers the question.
    """
    shim_log, watching = glimpse.shim_log, glimpse.observer.watching
    optimizers = session.optimizers
    assert optimizers is not None
    variables, drained = Locals(session.folder), Drained()
    namespace: dict[str, Any] = {}

    def result(printed: str) -> ScriptResult:
        frames = [
            _of_optimizers(optimizers), *_frames(session.folder, source, namespace, variables)
        ]
        found = _whole([*shim_log.built, *_networks(frames)], shim_log.built)
        own = [network for network in found if network not in shim_log.built]
        asked = shim_log.built or [networks.build(spec)]
        drained.update(optimizers.used_up)   # so that it can be read again
        reader = Reader(known([*asked, *own], session.folder), drained)
        return ScriptResult(frames, shim_log.built, own, asked, error, printed, reader)

    with recording() as heard:
        with variables.watched(), watching():
            error = run_as_script(source, namespace)
            if isinstance(error, SystemExit):
                session.home.ended()
            if isinstance(error, BudgetReached) or is_ordinary_end(error):
                error = None   # a training that was kept short on purpose, or `exit()`
            for function in _uncalled(source, namespace, variables, 0):
                _try(function, session)
        found = result(heard.text)
        if answers(found):
            return found
        with variables.watched(), watching():
            for function in _uncalled(source, namespace, variables, 1):
                first = next(iter(inspect.signature(function).parameters), "")
                name = function.__name__
                elsewhere = name in sources.FUNCTIONS or _TRAINS.search(name)
                if first.lower() in _NETWORK_NAMES and not elsewhere:
                    _try(function, session, torchvision.models.resnet18())
        return result(heard.text)


def _of_optimizers(found: BuiltOptimizers) -> Frame:
    """The groups of the optimizers that the code built, each under its own name if it has one."""
    values: dict[str, Any] = {}
    for number, one in enumerate(found.found, 1):
        groups = one.optimizer.param_groups
        names = [group.get("name") for group in groups]
        named = len(set(names)) == len(names) and all(isinstance(name, str) for name in names)
        values[f"optimizer {number}"] = (
            dict(zip(names, groups, strict=True)) if named else list(groups)
        )
    return Frame(OF_OPTIMIZERS, values, {})


def _uncalled(
    source: Source, namespace: Mapping[str, Any], variables: Locals, required: int
) -> list[Callable[..., Any]]:
    """The functions with so many required arguments that nobody called."""
    names = [name for name, count in source.functions.items() if count == required]
    found = [namespace.get(name) for name in names if name not in variables.called]
    return [function for function in found if isinstance(function, types.FunctionType)]


def _try(function: Callable[..., Any], session: Session, *arguments: Any) -> None:
    try:
        function(*arguments)
    except (Exception, SystemExit, BudgetReached) as problem:
        text = f"{function.__name__}() raised {type(problem).__name__}: {problem}"
        session.notes.append(text[:300])


def _frames(
    folder: Path, source: Source, namespace: Mapping[str, Any], variables: Locals
) -> list[Frame]:
    places = {
        name: (source.cell_of(line) if source.is_notebook else 0, line)
        for name, line in source.assigned.items()
    }
    script = Frame("the script", namespace, places)
    functions = variables.frames()
    objects = list(_objects([script, *functions], folder))[:MOST_OBJECTS]
    returned = Frame("what its functions returned", variables.returned, {})
    return [returned, *objects, *functions, script]


def _objects(frames: list[Frame], folder: Path) -> Iterator[Frame]:
    """The attributes of the student's own objects and classes, each object once."""
    seen: set[int] = set()
    for frame in frames:
        where = "" if frame is frames[0] else f"{frame.label}: "
        for name, value in frame.values.items():
            held = None if isinstance(value, tuple) else attributes(value, folder)
            if held and id(value) not in seen:
                seen.add(id(value))
                yield Frame(f"{where}{name} ({type(value).__name__})", held, {})


def known(found: list[nn.Module], folder: Path) -> Known:
    """The names of layers and parameters in some networks."""
    layers = {name for network in found for name, _ in network.named_modules() if name}
    parameters = {name for network in found for name, _ in network.named_parameters()}
    return Known(frozenset(layers | parameters), frozenset(parameters), folder)


def _networks(frames: list[Frame]) -> list[nn.Module]:
    """The networks among the variables, without lists of layers, lists of parameters and losses."""
    lists = nn.ParameterList | nn.ParameterDict | nn.ModuleList | nn.ModuleDict
    return [
        _unwrapped(value) for frame in frames for value in frame.values.values()
        if isinstance(value, nn.Module) and not isinstance(value, lists)
        and next(value.parameters(), None) is not None
    ]


def _unwrapped(network: nn.Module) -> nn.Module:
    """The network inside `DataParallel` and `torch.compile`, which prefix every name."""
    (name, inner), *others = [*network.named_children(), ("", None)]
    alone = len(others) == 1 and not list(network.parameters(recurse=False))
    return _unwrapped(inner) if inner is not None and alone and name in _WRAPPED else network


def _whole(networks: list[nn.Module], built: list[nn.Module]) -> list[nn.Module]:
    """Each network once, without layers of another network and without wrappers of built ones.

    A loop over layers leaves its last layer in a variable.
    """
    kept = {id(network) for network in built}
    unique = {
        id(network): network
        for network in networks
        if id(network) in kept or not kept & {id(module) for module in network.modules()}
    }
    inner = {id(m) for n in unique.values() for m in n.modules() if m is not n}
    return [network for key, network in unique.items() if key not in inner]


def candidates(session: Session, wanted: str) -> list[Source]:
    """The scripts to try for a question about layers or parameters.

    Raises NotFound with the text `wanted` when there is none, or the SyntaxError of a submission
    that cannot be parsed.
    """
    found = inspecting_scripts(session.folder)
    if not found:
        broken = sources.first_syntax_error(session.folder)
        if broken is not None:
            raise broken
        raise sources.not_found(session.folder, wanted)
    return found[:MOST_SCRIPTS]
