"""The student's training within a budget, watched; and what the trained network predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from grader.worker import shims as stand_ins
from grader.worker.dataset_view import View
from grader.worker.observer.checkpoints import Saved
from grader.worker.observer.networks import Watched
from grader.worker.observer.observer import Budget, BudgetReached, Observer
from grader.worker.observer.timer import alarm
from grader.worker.probes.candidates import Candidate, best, serious
from grader.worker.probes.eval_mode import deaf_norms
from grader.worker.probes.interim import Looks
from grader.worker.probes.preprocessing import Prepared, as_the_script_does
from grader.worker.probes.report import report
from grader.worker.probes.script_run import view_of
from grader.worker.probes.training_entry import WANTED, Route, route
from grader.worker.session import Answer, BadAnswer, NotFound, OutOfTime, Session, innermost

A_FEW = 8


def train(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """args: epochs, seconds, batch, seed, threads, and `look`, where the host may be asked to end
    it early. Value: runs, optimizer, reported accuracy, ...
    Blobs: the figures that were kept, uint8 (H, W, 3) each.

    A budget that is used up ends the training and what was learnt counts. An exception after the
    first step is reported beside what was observed until then.
    """
    view = view_of(session)
    if view is None:
        raise RuntimeError("the grader asked for a training and gave no data")
    torch.manual_seed(int(args["seed"]))
    np.random.seed(int(args["seed"]))
    torch.set_num_threads(int(args["threads"]))
    images, seconds = len(view.split("train")[1]), float(args["seconds"])
    budget = Budget(int(args["epochs"]) * images, seconds)
    observer = Observer(budget, session.folder, len(view.classes))
    observer.install()
    saved = Saved()
    saved.install()
    stage = stand_ins.install(None, view, None)
    way: Route | None = None
    error: BaseException | None = None
    returned: Any = None
    if args.get("look") is True and session.consult is not None:
        observer.looks = Looks(
            session.consult, observer, stage.served, images,
            lambda one, served: _prepared(one, served, view, way),
        )
    with alarm(seconds, observer.out_of_time):
        try:
            way = route(session, view, args, lambda: bool(observer.trained))
            returned = way.run()
        except (NotFound, BadAnswer):
            raise
        except (Exception, SystemExit, BudgetReached) as problem:
            error = problem
    observer.finish()
    chosen = _chosen(observer, saved, stage, view, way, returned)
    if chosen is None:
        raise _why_not(error, way, session.folder, seconds)
    session.trained = chosen
    if isinstance(error, BudgetReached):
        error = None
    stand_ins.keep_open_figures(stage)
    told = report(session, observer, chosen, stage, returned, error)
    told["deaf"] = _deaf(chosen, view)
    return told, tuple(one.pixels.tobytes() for one in stage.figures)


def predict(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """args: `shapes`, one (N, H, W, 3) per blob of uint8 images. Blobs: float32 logits (N, C)."""
    trained = session.trained
    if trained is None:
        raise NotFound("no network was trained, so there is none to predict with")
    answers, classes = [], 0
    for blob, shape in zip(blobs, args["shapes"], strict=True):
        images = np.frombuffer(blob, dtype=np.uint8).reshape(shape)
        rows = trained.predict(images)
        classes = rows.shape[1]
        answers.append(rows.tobytes())
    return {"classes": classes}, tuple(answers)


def _chosen(
    observer: Observer,
    saved: Saved,
    stage: stand_ins.Stage,
    view: View,
    way: Route | None,
    returned: Any,
) -> Candidate | None:
    """The network that predicts; None when none was trained."""
    trained = serious(observer.trained)
    if not trained:
        return None

    def prepared(one: Watched) -> Prepared:
        return _prepared(one, stage.served, view, way)

    if isinstance(returned, nn.Module):
        return Candidate(trained[0], returned, prepared(trained[0]))
    candidates = [Candidate(one, one.module, prepared(one)) for one in trained]
    return best(candidates, observer.evaluated, saved, view)


def _prepared(one: Watched, served: Sequence[Any], view: View, way: Route | None) -> Prepared:
    if way is None or way.own_data:   # None: its files trained while they were loaded
        return as_the_script_does(one, served, view)
    return Prepared(view.normalise, "function", True)


def _why_not(
    error: BaseException | None, way: Route | None, folder: Path, seconds: float
) -> BaseException:
    """Why there is no trained network."""
    if isinstance(error, BudgetReached):
        where = innermost(error, folder)
        return OutOfTime(
            f"no training step was taken within {seconds:g} s"
            + (f"; by then the code was at {where}" if where else "")
        )
    if error is not None:
        return error
    what = way.what if way is not None else "the code"
    return NotFound(
        f"{what} ran to its end, and no network was trained in it; looked for {WANTED}"
    )


def _deaf(chosen: Candidate, view: View) -> list[str]:
    """Which batch norms do not heed eval mode, on a few of the validation images."""
    parameter = next(chosen.network.parameters(), None)
    device = parameter.device if parameter is not None else torch.device("cpu")
    try:
        few = np.asarray(view.split("validation")[0][:A_FEW])
        images = chosen.prepared.prepare(few).to(device)
    except Exception:
        return []   # the script's own transform; predictions will show what is wrong with it
    return deaf_norms(chosen.network, images)
