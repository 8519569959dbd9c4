"""The student's training within a budget, watched; and what the trained network predicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torchvision
from torch import nn

from grader.worker import sources, stand_ins
from grader.worker.observe import Budget, BudgetReached, Observer
from grader.worker.probes.eval_mode import deaf_norms
from grader.worker.probes.frames import view_of
from grader.worker.probes.outputs import as_rows, put_together
from grader.worker.probes.report import report
from grader.worker.running import call, function, run_as_script, takes
from grader.worker.session import Answer, BadAnswer, NotFound, Session
from grader.worker.view import View, as_photos, loader

WANTED = (
    "a function train(model, train_loader, validation_loader, epochs), or train_one_epoch and "
    "evaluate with make_optimizer, or a script that trains"
)
PREDICT_BATCH = 250
A_FEW = 8


@dataclass(frozen=True)
class Trained:
    """A network after its training, and how images (uint8, (N, H, W, 3)) become its input."""

    network: nn.Module
    prepare: Callable[[Any], torch.Tensor]


def train(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """args: epochs, seconds, batch, seed, threads. Value: runs, optimizer, reported accuracy, ...

    A budget that is used up ends the training and what was learnt counts. An exception after the
    first step is reported beside what was observed until then.
    """
    view = view_of(session)
    if view is None:
        raise RuntimeError("the grader asked for a training and gave no data")
    torch.manual_seed(int(args["seed"]))
    np.random.seed(int(args["seed"]))
    torch.set_num_threads(int(args["threads"]))
    images = len(view.split("train")[1])
    observer = Observer(Budget(int(args["epochs"]) * images, float(args["seconds"])))
    observer.install()
    stage = stand_ins.install(None, view, None)
    error: BaseException | None = None
    returned: Any = None
    prepare: Callable[[Any], torch.Tensor] = view.normalise
    try:
        whole, one, judge = (
            _ours(session, name) for name in ("train", "train_one_epoch", "evaluate")
        )
        if whole is None and (one is None or judge is None):
            error = _run_script(session)
            prepare = _as_the_script_prepares(stage, view)
        elif whole is not None:
            model, loaders = _network(session, view), _loaders(view, args)
            returned = call(whole, model, *loaders, int(args["epochs"]))
        else:
            returned = _epoch_by_epoch(session, one, judge, view, args)
    except BudgetReached:
        pass
    except (NotFound, BadAnswer):
        raise
    except (Exception, SystemExit) as problem:
        error = problem
    observer.finish()
    trained = observer.steps.network
    if trained is None:
        if error is not None:
            raise error
        raise BadAnswer("the code ran to its end and no optimizer took a step on a network")
    network = returned if isinstance(returned, nn.Module) else trained
    session.trained = Trained(network, prepare)
    told = report(session, observer, stage, returned, error, len(view.classes))
    return told | {"deaf": _deaf(session.trained, view)}, ()


def predict(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """args: `shapes`, one (N, H, W, 3) per blob of uint8 images. Blobs: float32 logits (N, C)."""
    trained = session.trained
    if trained is None:
        raise NotFound("no network was trained, so there is none to predict with")
    network = trained.network
    network.eval()   # by itself: a student's own eval() may return nothing
    device = next(network.parameters()).device
    answers, classes = [], 0
    for blob, shape in zip(blobs, args["shapes"], strict=True):
        images = np.frombuffer(blob, dtype=np.uint8).reshape(shape)
        parts = []
        with torch.no_grad():
            for start in range(0, len(images), PREDICT_BATCH):
                batch = trained.prepare(images[start : start + PREDICT_BATCH]).to(device)
                parts.append(as_rows(network(batch), len(batch)))
        logits = put_together(parts)
        classes = logits.shape[1]
        answers.append(logits.tobytes())
    return {"classes": classes}, tuple(answers)


def _deaf(trained: Trained, view: View) -> list[str]:
    """Which batch norms do not heed eval mode, on a few of the validation images."""
    device = next(trained.network.parameters()).device
    try:
        images = trained.prepare(np.asarray(view.split("validation")[0][:A_FEW])).to(device)
    except Exception:
        return []   # the script's own transform; predictions will show what is wrong with it
    return deaf_norms(trained.network, images)


def _ours(session: Session, name: str) -> Callable[..., Any] | None:
    """The student's function, unless a script that trains has it for a use of its own."""
    own = sources.has_own_signature(session.folder, name)
    if own and sources.scripts_that_train(session.folder):
        return None
    return function(session, name)


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
        loader(*tensors("validation"), PREDICT_BATCH, None),
    )


def _epoch_by_epoch(
    session: Session, one: Any, judge: Any, view: View, args: Mapping[str, Any]
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
        result = call(judge, model, validation)
    return {"accuracy": result[-1]} if isinstance(result, (tuple, list)) and result else result


def _run_script(session: Session) -> BaseException | None:
    found = sources.scripts_that_train(session.folder)
    if not found:
        raise sources.not_found(session.folder, WANTED)
    namespace: dict[str, Any] = {}
    error = run_as_script(found[0], namespace)
    return None if isinstance(error, BudgetReached) else error


def _as_the_script_prepares(stage: stand_ins.Stage, view: View) -> Callable[[Any], torch.Tensor]:
    """Hidden images go through the transform that the script gave its own test set."""
    from PIL import Image

    def prepare(images: Any) -> torch.Tensor:
        transform = stage.test_transform
        if transform is None:
            return view.normalise(as_photos(images))
        return torch.stack(
            [torch.as_tensor(transform(Image.fromarray(image))) for image in as_photos(images)]
        ).float()

    return prepare
