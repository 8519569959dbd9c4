"""Probes a training: runs it within a budget under observation, and predicts with its network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from grader.worker import shims
from grader.worker.dataset_view import View
from grader.worker.events.recorder import Recorder
from grader.worker.observer.built_optimizers import BuiltOptimizers
from grader.worker.observer.checkpoints import SavedCheckpoints
from grader.worker.observer.networks import ObservedNetwork
from grader.worker.observer.observer import Budget, BudgetReached, Observer
from grader.worker.observer.timer import alarm
from grader.worker.probes.candidates import Candidate, best, substantially_trained
from grader.worker.probes.eval_mode import norms_ignoring_eval
from grader.worker.probes.interim import InterimLooks
from grader.worker.probes.learnt import learnt
from grader.worker.probes.preprocessing import Prepared, as_the_script_does
from grader.worker.probes.report import built_optimizers, report
from grader.worker.probes.script_run import view_of
from grader.worker.probes.training_entry import WANTED, TrainingEntry, find_entry
from grader.worker.session import Answer, BadAnswer, NotFound, OutOfTime, Session, innermost

A_FEW = 8   # validation images


def train(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """Run the student's training and report what was observed.

    When the budget is used up, the training ends and what was learnt counts. An exception after the
    first step is reported beside the observations up to it.

    Args:
        session: the session; `trained` is set for `predict`.
        args: `epochs`, `seconds`, `stall`, `batch`, `seed`, `threads`, and `look`: true if the host
            may end the training early.
        blobs: none.

    Returns:
        The report of `report.report`. Blobs: the figures that the script made, uint8 (H, W, 3).
    """
    view = view_of(session)
    if view is None:
        raise RuntimeError("the grader asked for a training and gave no data")
    torch.manual_seed(int(args["seed"]))
    np.random.seed(int(args["seed"]))
    torch.set_num_threads(int(args["threads"]))
    images = len(view.split("train")[1])
    seconds, stall = float(args["seconds"]), float(args["stall"])
    budget = Budget(int(args["epochs"]) * images, seconds, stall, int(args["threads"]))
    recorder = Recorder(session.send)
    observer = Observer(budget, session.folder, len(view.classes), recorder)
    observer.install()
    session.optimizers = BuiltOptimizers(also_used=False)
    session.optimizers.install()
    saved = SavedCheckpoints()
    saved.install()
    shim_log = shims.install(None, view, None, session.home)
    entry: TrainingEntry | None = None
    error: BaseException | None = None
    returned: Any = None
    if args.get("look") is True and session.consult is not None:
        observer.interim_look = InterimLooks(
            session.consult, observer, shim_log.served, images,
            lambda one, served: _prepared(one, served, view, entry),
        )
    with alarm(min(seconds, stall), observer.out_of_time):
        try:
            entry = find_entry(session, view, args, lambda: bool(observer.trained))
            returned = entry.run()
        except (NotFound, BadAnswer):
            raise
        except (Exception, SystemExit, BudgetReached) as problem:
            error = problem
    observer.finish()
    chosen = _chosen(observer, saved, shim_log, view, entry, returned)
    if chosen is None:
        session.left = {"built": built_optimizers(session.optimizers)}
        raise _why_not(error, entry, session.folder, min(seconds, stall))
    session.trained = chosen
    if isinstance(error, BudgetReached):
        error = None
    shims.keep_open_figures(shim_log)
    value = report(session, observer, chosen, shim_log, returned, error)
    value["deaf"] = _norms_ignoring_eval(chosen, view)
    value["learnt"] = learnt(chosen, view)
    return value, tuple(one.pixels.tobytes() for one in shim_log.figures)


def predict(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """Predict images with the network of the latest training.

    Args:
        session: the session in which `train` ran.
        args: `shapes`, one (N, H, W, 3) per blob, and their `dtype` if it is not uint8.
        blobs: images, or other inputs.

    Returns:
        The number of `classes`. Blobs: float32 logits (N, C).
    """
    trained = session.trained
    if trained is None:
        raise NotFound("a trained network to predict with")
    answers, classes = [], 0
    for blob, shape in zip(blobs, args["shapes"], strict=True):
        images = np.frombuffer(blob, dtype=args.get("dtype", "|u1")).reshape(shape)
        rows = trained.predict(images)
        classes = rows.shape[1]
        answers.append(rows.tobytes())
    return {"classes": classes}, tuple(answers)


def _chosen(
    observer: Observer,
    saved: SavedCheckpoints,
    shim_log: shims.ShimLog,
    view: View,
    entry: TrainingEntry | None,
    returned: Any,
) -> Candidate | None:
    """The network that predicts; None when none was trained."""
    trained = substantially_trained(observer.trained)
    if not trained:
        return None

    def prepared(one: ObservedNetwork) -> Prepared:
        return _prepared(one, shim_log.served, view, entry)

    if isinstance(returned, nn.Module):
        return Candidate(trained[0], returned, prepared(trained[0]))
    candidates = [Candidate(one, one.module, prepared(one)) for one in trained]
    return best(candidates, observer.evaluated, saved, view)


def _prepared(
    one: ObservedNetwork, served: Sequence[Any], view: View, entry: TrainingEntry | None
) -> Prepared:
    if entry is None or entry.own_data:   # None: the files trained while they were loaded
        return as_the_script_does(one, served, view)
    return Prepared(view.normalise, "function", True)


def _why_not(
    error: BaseException | None, entry: TrainingEntry | None, folder: Path, seconds: float
) -> BaseException:
    """The exception that says why there is no trained network."""
    if isinstance(error, BudgetReached):
        where = innermost(error, folder)
        return OutOfTime(
            f"no training step was taken within {seconds:g} s"
            + (f"; by then the code was at {where}" if where else "")
        )
    if error is not None:
        return error
    name = entry.name if entry is not None else "The code"
    return NotFound(
        f"a trained network. {name} ran to its end without training one. Expected: {WANTED}"
    )


def _norms_ignoring_eval(chosen: Candidate, view: View) -> list[str]:
    """The batch norms that ignore eval mode, tested on a few of the validation images."""
    parameter = next(chosen.network.parameters(), None)
    device = parameter.device if parameter is not None else torch.device("cpu")
    try:
        few = np.asarray(view.split("validation")[0][:A_FEW])
        images = chosen.prepared.prepare(few).to(device)
    except Exception:
        return []   # the script's own transform; its error shows again in the predictions
    return norms_ignoring_eval(chosen.network, images)
