"""Finds the way to a student's training: functions with the homework's names are called, anything
else is run as a script.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
import torchvision
from torch import nn

from grader.worker.dataset_view import View, loader
from grader.worker.session import BadAnswer, Session
from grader.worker.student_code import sources
from grader.worker.student_code.entry_points import (
    is_called,
    optimizing_scripts,
    training_scripts,
)
from grader.worker.student_code.execution import (
    call,
    function,
    is_ordinary_end,
    run_as_script,
    takes,
)

WANTED = (
    "a function train(model, train_loader, validation_loader, epochs), or train_one_epoch and "
    "evaluate with make_optimizer, or a script that trains a network with an optimizer of "
    "torch.optim"
)
VALIDATION_BATCH = 250
MAX_SCRIPTS = 3


@dataclass(frozen=True)
class TrainingEntry:
    """A way to a training.

    Attributes:
        run: trains, and returns what the student's code returns.
        name: the function or the files, for people.
        own_data: the code loads its data itself; otherwise it is given loaders.
    """

    run: Callable[[], Any]
    name: str
    own_data: bool


def find_entry(
    session: Session, view: View, args: Mapping[str, Any], trained: Callable[[], bool]
) -> TrainingEntry:
    """Find the way to the training of a submission; loads the student's functions.

    Args:
        session: the session.
        view: the data to train on.
        args: `epochs`, `batch` and `seed` of the question.
        trained: tells whether a network has been trained by now.
    """
    whole = _homework_function(session, "train")
    if whole is not None:
        return TrainingEntry(partial(_train, session, whole, view, args), "train()", False)
    one = _homework_function(session, "train_one_epoch")
    evaluate = _homework_function(session, "evaluate") if one is not None else None
    if evaluate is not None and not _called_by_script(session, "train_one_epoch"):
        run = partial(_epoch_by_epoch, session, one, evaluate, view, args)
        return TrainingEntry(run, "train_one_epoch()", False)
    names = " and ".join(one.path.name for one in training_scripts(session.folder))
    return TrainingEntry(partial(_run_scripts, session, trained), names or "The code", True)


def _homework_function(session: Session, name: str) -> Callable[..., Any] | None:
    """The student's function, unless it is a part of a script that trains by itself."""
    if training_scripts(session.folder):
        if sources.has_own_signature(session.folder, name):
            return None
        if name == "train" and _called_by_script(session, name):
            return None
    return function(session, name)


def _called_by_script(session: Session, name: str) -> bool:
    """True if the student's code calls the function, on a network that only it can build."""
    own = "build_model" if name == "train" else "make_optimizer"
    defined = sources.defining(session.folder, own) is not None
    return not defined and is_called(session.folder, name)


def _train(session: Session, whole: Any, view: View, args: Mapping[str, Any]) -> Any:
    model, loaders = _network(session, view), _loaders(view, args)
    return call(whole, model, *loaders, int(args["epochs"]))


def _epoch_by_epoch(
    session: Session, one: Any, evaluate: Any, view: View, args: Mapping[str, Any]
) -> Any:
    make = function(session, "make_optimizer")
    if make is None:
        raise sources.not_found(session.folder, WANTED)
    model = _network(session, view)
    batches, validation = _loaders(view, args)
    optimizer = call(make, model)
    result = None
    for _ in range(int(args["epochs"])):
        call(one, model, batches, optimizer)
        result = call(evaluate, model, validation)
    return {"accuracy": result[-1]} if isinstance(result, (tuple, list)) and result else result


def _network(session: Session, view: View) -> nn.Module:
    build = function(session, "build_model")
    classes = len(view.classes)
    if build is None:
        network = torchvision.models.resnet18(num_classes=classes)
    else:
        network = call(build, classes) if takes(build, 1) else call(build)
    if not isinstance(network, nn.Module):
        raise BadAnswer(f"build_model returned {type(network).__name__}; a network was expected")
    return network.cuda() if torch.cuda.is_available() else network


def _loaders(view: View, args: Mapping[str, Any]) -> tuple[Any, Any]:
    def tensors(split: str) -> tuple[torch.Tensor, torch.Tensor]:
        images, labels = view.split(split)
        pixels, targets = view.normalise(images), torch.from_numpy(np.array(labels))
        if torch.cuda.is_available():
            return pixels.cuda(), targets.cuda()
        return pixels, targets

    batch, seed = int(args["batch"]), int(args["seed"])
    return (
        loader(*tensors("train"), batch, seed),
        loader(*tensors("validation"), VALIDATION_BATCH, None),
    )


def _run_scripts(session: Session, trained: Callable[[], bool]) -> None:
    """Run the training scripts until one has trained a network.

    After a script that has not, the functions that it defines and does not call are called. Raises
    the exception that ended the first script.
    """
    # A script that trains nothing may still build the optimizer that it was to be trained with.
    found = training_scripts(session.folder) or optimizing_scripts(session.folder)
    if not found:
        broken = sources.first_syntax_error(session.folder)
        raise broken or sources.not_found(session.folder, WANTED)
    session.loaded()
    first: BaseException | None = None
    for source in found[:MAX_SCRIPTS]:
        namespace: dict[str, Any] = {}
        error = run_as_script(source, namespace)
        error = None if is_ordinary_end(error) else error
        if not trained() and error is None:
            _call_uncalled(source, namespace, trained)
        first = first or error
        if trained():
            break
    if first is not None:
        raise first


def _call_uncalled(
    source: sources.Source, namespace: Mapping[str, Any], trained: Callable[[], bool]
) -> None:
    """Call functions without arguments, the last first: `main` stands last and calls the others."""
    names = [name for name, count in source.functions.items() if count == 0]
    for name in reversed(names):
        found, called = namespace.get(name), is_called(source.path.parent, name)
        if isinstance(found, types.FunctionType) and not called:
            found()
            if trained():
                return
