"""Running a script for what it leaves behind: its names, its functions' locals, their values.

Locals are seen when a function of the student's own returns. The trainings that a script may hold
are kept short: it is served a handful of images and stopped after a few steps.
"""

from __future__ import annotations

import inspect
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torchvision
from torch import nn

from grader.worker import sources, stand_ins
from grader.worker.found import Frame
from grader.worker.running import run_as_script
from grader.worker.session import Session
from grader.worker.sources import Source
from grader.worker.view import View, open_view
from grader.worker.watch.observer import Budget, BudgetReached, Observer

GLIMPSE_IMAGES = 32
GLIMPSE = Budget(images=4 * GLIMPSE_IMAGES, seconds=10)


def view_of(session: Session) -> View | None:
    return open_view(session.data) if session.data is not None else None


def glimpse(session: Session, network: Mapping[str, Any] | None) -> stand_ins.Stage:
    """Stand-ins for a question that is not about training: hardly any data, and no time for it."""
    torch.set_num_threads(1)  # for work this small, threads cost more in waiting than they save
    Observer(GLIMPSE, session.folder).install()
    return stand_ins.install(network, view_of(session), GLIMPSE_IMAGES)


_NETWORK_NAMES = {"model", "net", "network", "module", "resnet", "m"}
_TRAINS = re.compile(r"train|fit|eval|valid|test|predict", re.I)


class Locals:
    """The local names of the student's functions, as they were when each last returned."""

    def __init__(self, source: Source) -> None:
        self._file = str(source.path)
        self._latest: dict[str, tuple[dict[str, Any], int]] = {}
        self.returned: dict[str, Any] = {}

    @contextmanager
    def watched(self) -> Iterator[None]:
        sys.setprofile(self._profile)
        try:
            yield
        finally:
            sys.setprofile(None)

    def _profile(self, frame: types.FrameType, event: str, argument: Any) -> None:
        if event != "return" or frame.f_code.co_filename != self._file:
            return
        code = frame.f_code
        if code.co_name.startswith("<") or code.co_flags & 0x20:  # module, lambda, generator
            return
        seen = dict(frame.f_locals)
        if argument is not None:
            seen["returned"] = argument
            self.returned[code.co_name] = argument
        self._latest.pop(code.co_name, None)
        self._latest[code.co_name] = (seen, code.co_firstlineno)

    def frames(self) -> list[Frame]:
        found = []
        for name, (values, line) in self._latest.items():
            places = dict.fromkeys(values, (0, line))
            found.append(Frame(f"{name}()", values, places))
        return found

    @property
    def called(self) -> set[str]:
        return set(self._latest)


@dataclass(frozen=True)
class Left:
    """What a script left: frames, functions first and its own names last; the networks that the
    grader built for it and those of its own; the exception that ended it."""

    frames: list[Frame]
    built: list[nn.Module]
    own: list[nn.Module]
    error: BaseException | None


def run_for_names(
    session: Session, source: Source, stage: stand_ins.Stage, answers: Callable[[Left], bool]
) -> Left:
    """Run a script, call its functions that need no arguments and that nobody called, and, where
    what is left still answers nothing, those that take a network and nothing else."""
    watched = Locals(source)
    namespace: dict[str, Any] = {}
    with watched.watched():
        error = run_as_script(source, namespace)
        if isinstance(error, BudgetReached):
            error = None   # a training that was kept short, on purpose
        for function in _uncalled(source, namespace, watched, 0):
            _try(function, session)
    left = _left(source, namespace, watched, stage, error)
    if answers(left):
        return left
    with watched.watched():
        for function in _uncalled(source, namespace, watched, 1):
            first = next(iter(inspect.signature(function).parameters), "")
            elsewhere = function.__name__ in sources.FUNCTIONS or _TRAINS.search(function.__name__)
            if first.lower() in _NETWORK_NAMES and not elsewhere:
                _try(function, session, torchvision.models.resnet18())
    return _left(source, namespace, watched, stage, error)


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


def _left(
    source: Source,
    namespace: Mapping[str, Any],
    watched: Locals,
    stage: stand_ins.Stage,
    error: BaseException | None,
) -> Left:
    places = {
        name: (source.cell_of(line) if source.is_notebook else 0, line)
        for name, line in source.assigned.items()
    }
    frames = [
        Frame("what its functions returned", watched.returned, {}),
        *_attributes(namespace),
        *watched.frames(),
        Frame("the script", namespace, places),
    ]
    networks = _whole([*stage.built, *_networks(frames)], stage.built)
    own = [network for network in networks if network not in stage.built]
    return Left(frames, stage.built, own, error)


def _attributes(namespace: Mapping[str, Any]) -> list[Frame]:
    """What instances of the student's own classes hold, networks aside."""
    return [
        Frame(f"{name} ({type(value).__name__})", vars(value), {})
        for name, value in namespace.items()
        if type(value).__module__ == "__main__"
        and hasattr(value, "__dict__")
        and not isinstance(value, nn.Module)
    ]


def _networks(frames: list[Frame]) -> list[nn.Module]:
    return [
        value for frame in frames for value in frame.values.values() if isinstance(value, nn.Module)
    ]


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
    found = sources.scripts_that_walk(session.folder)
    if not found:
        broken = sources.first_syntax_error(session.folder)
        if broken is not None:
            raise broken
        raise sources.not_found(session.folder, wanted)
    return found[:3]
