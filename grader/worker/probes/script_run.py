"""Running a script for what it leaves behind: its names, its functions' locals, their values.

Locals are seen when a function of the student's own returns. The trainings that a script may hold
are kept short: it is served a handful of images and stopped after a few steps.
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

from grader.worker import shims as stand_ins
from grader.worker.dataset_view import View, open_view
from grader.worker.networks import resnet as networks
from grader.worker.observer.observer import Budget, BudgetReached, Observer
from grader.worker.session import Session
from grader.worker.student_code import entry_points as scripts
from grader.worker.student_code import sources
from grader.worker.student_code.execution import run_as_script
from grader.worker.student_code.sources import Source
from grader.worker.values.containers import Drained, Known, Reader, attributes
from grader.worker.values.locals import Locals
from grader.worker.values.parameter_lists import Frame
from grader.worker.values.printed import recording

GLIMPSE_IMAGES = 32
GLIMPSE = Budget(images=4 * GLIMPSE_IMAGES, seconds=10)


def view_of(session: Session) -> View | None:
    view = open_view(session.data) if session.data is not None else None
    return view if view is not None and view.classes else None


def glimpse(session: Session, network: Mapping[str, Any] | None) -> stand_ins.ShimLog:
    """Stand-ins for a question that is not about training: hardly any data, and no time for it."""
    torch.set_num_threads(1)  # for work this small, threads cost more in waiting than they save
    Observer(GLIMPSE, session.folder).install()
    return stand_ins.install(network, view_of(session), GLIMPSE_IMAGES)


_NETWORK_NAMES = {"model", "net", "network", "module", "resnet", "m"}
_TRAINS = re.compile(r"train|fit|eval|valid|test|predict", re.I)


MOST_OBJECTS = 60


@dataclass(frozen=True)
class Left:
    """What a script left: frames, functions first and its own names last; the networks that the
    grader built for it and those of its own; the exception that ended it; what it printed.

    `asked` are the networks that the grader built, or one as it was asked about where the script
    has built none. `reader` reads what is in the frames.
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
    stage: stand_ins.ShimLog,
    spec: Mapping[str, Any],
    answers: Callable[[Left], bool],
) -> Left:
    """Run a script, call its functions that need no arguments and that nobody called, and, where
    what is left still answers nothing, those that take a network and nothing else."""
    watched, drained = Locals(session.folder), Drained()
    namespace: dict[str, Any] = {}

    def left(printed: str) -> Left:
        frames = _frames(session.folder, source, namespace, watched)
        found = _whole([*stage.built, *_networks(frames)], stage.built)
        own = [network for network in found if network not in stage.built]
        asked = stage.built or [networks.build(spec)]
        reader = Reader(known([*asked, *own], session.folder), drained)
        return Left(frames, stage.built, own, asked, error, printed, reader)

    with recording() as heard:
        with watched.watched():
            error = run_as_script(source, namespace)
            if isinstance(error, BudgetReached):
                error = None   # a training that was kept short, on purpose
            for function in _uncalled(source, namespace, watched, 0):
                _try(function, session)
        found = left(heard.text)
        if answers(found):
            return found
        with watched.watched():
            for function in _uncalled(source, namespace, watched, 1):
                first = next(iter(inspect.signature(function).parameters), "")
                name = function.__name__
                elsewhere = name in sources.FUNCTIONS or _TRAINS.search(name)
                if first.lower() in _NETWORK_NAMES and not elsewhere:
                    _try(function, session, torchvision.models.resnet18())
        return left(heard.text)


def _uncalled(
    source: Source, namespace: Mapping[str, Any], watched: Locals, required: int
) -> list[Callable[..., Any]]:
    names = [name for name, count in source.functions.items() if count == required]
    found = [namespace.get(name) for name in names if name not in watched.called]
    return [function for function in found if isinstance(function, types.FunctionType)]


def _try(function: Callable[..., Any], session: Session, *arguments: Any) -> None:
    try:
        function(*arguments)
    except (Exception, SystemExit, BudgetReached) as problem:
        text = f"{function.__name__}() raised {type(problem).__name__}: {problem}"
        session.notes.append(text[:300])


def _frames(
    folder: Path, source: Source, namespace: Mapping[str, Any], watched: Locals
) -> list[Frame]:
    places = {
        name: (source.cell_of(line) if source.is_notebook else 0, line)
        for name, line in source.assigned.items()
    }
    script = Frame("the script", namespace, places)
    functions = watched.frames()
    objects = list(_objects([script, *functions], folder))[:MOST_OBJECTS]
    returned = Frame("what its functions returned", watched.returned, {})
    return [returned, *objects, *functions, script]


def _objects(frames: list[Frame], folder: Path) -> Iterator[Frame]:
    """What objects and classes of the student's own hold, wherever they are, each once."""
    seen: set[int] = set()
    for frame in frames:
        where = "" if frame is frames[0] else f"{frame.label}: "
        for name, value in frame.values.items():
            held = None if isinstance(value, tuple) else attributes(value, folder)
            if held and id(value) not in seen:
                seen.add(id(value))
                yield Frame(f"{where}{name} ({type(value).__name__})", held, {})


def known(found: list[nn.Module], folder: Path) -> Known:
    layers = {name for network in found for name, _ in network.named_modules() if name}
    parameters = {name for network in found for name, _ in network.named_parameters()}
    return Known(frozenset(layers | parameters), frozenset(parameters), folder)


def _networks(frames: list[Frame]) -> list[nn.Module]:
    """Those that a name stands for; lists of layers and of parameters are none, nor are losses."""
    lists = nn.ParameterList | nn.ParameterDict | nn.ModuleList | nn.ModuleDict
    return [
        _unwrapped(value) for frame in frames for value in frame.values.values()
        if isinstance(value, nn.Module) and not isinstance(value, lists)
        and next(value.parameters(), None) is not None
    ]


_WRAPPED = ("module", "_orig_mod")


def _unwrapped(network: nn.Module) -> nn.Module:
    """Without `DataParallel` and `torch.compile`, which put a prefix before every name."""
    (name, inner), *others = [*network.named_children(), ("", None)]
    alone = len(others) == 1 and not list(network.parameters(recurse=False))
    return _unwrapped(inner) if inner is not None and alone and name in _WRAPPED else network


def _whole(networks: list[nn.Module], built: list[nn.Module]) -> list[nn.Module]:
    """Each network once, without what is a layer of another (a loop leaves its last layer) and
    without what only wraps a network that was built here (`DataParallel`)."""
    ours = {id(network) for network in built}
    unique = {
        id(network): network
        for network in networks
        if id(network) in ours or not ours & {id(module) for module in network.modules()}
    }
    inner = {id(m) for n in unique.values() for m in n.modules() if m is not n}
    return [network for key, network in unique.items() if key not in inner]


def candidates(session: Session, wanted: str) -> list[Source]:
    """The scripts to try for a question about layers and parameters; raises when there is none."""
    found = scripts.that_walk(session.folder)
    if not found:
        broken = sources.first_syntax_error(session.folder)
        if broken is not None:
            raise broken
        raise sources.not_found(session.folder, wanted)
    return found[:3]
