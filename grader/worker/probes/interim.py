"""Looks at a network while it is trained, by which the host may end the training early.

Nothing of the student's run may be another for them: a copy of the network predicts, in evaluation
mode, images that go through copies of the script's data sets, and the random numbers are put back.
Where anything is in doubt there is no look, and the training goes on as if nothing had been.
"""

from __future__ import annotations

import copy
import os
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from time import monotonic
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules import module as modules
from torch.utils.data import DataLoader, Dataset

from grader.worker.observer.networks import Run, Watched
from grader.worker.observer.observer import Observer
from grader.worker.probes.candidates import Candidate
from grader.worker.probes.preprocessing import Prepared
from grader.worker.session import Consult

CYCLES = 2          # of training and evaluating: what is wrong from the second on must be seen
FEWEST_SEEN = 100   # images of an evaluation, for its accuracy to say anything
SIZE = 64           # images at a time: no more memory than a training step takes
RARELY = 10         # times what a look took must have passed before the next
DEAREST = 20.0      # seconds; a look that takes longer is the last
_DEEPEST = 6        # data sets in data sets
_FEW = 8            # a tuple of tensors, and not a list of images

Prepare = Callable[[Watched, Sequence[Any]], Prepared]


@dataclass
class Looks:
    """Called before each training pass; True once the host says that the network has passed.

    `served` are the script's data sets of ours, `epoch` the images of one epoch, and `prepare`
    finds how a network's images are prepared, by its samples and by such data sets.
    """

    consult: Consult
    observer: Observer
    served: Sequence[Any]
    epoch: int
    prepare: Prepare
    _over: bool = False
    _runs: int = 0        # when last looked at: nothing is new before there are more
    _latest: int = 0      # order of the evaluation that was told last
    _told_at: int = 0     # images that the network had been trained on
    _ended: float = field(default_factory=monotonic)
    _cost: float = 0.0    # seconds of the last look
    _pid: int = field(default_factory=os.getpid)

    def __call__(self, network: Watched) -> bool:
        if self._over or len(network.runs) == self._runs:
            return False
        self._runs = len(network.runs)
        run = self._evaluation(network)
        if run is None or not self._may_look(network):
            return False
        self._latest, self._told_at = run.order, network.images
        try:
            return self._look(network, run)
        except Exception:   # of the student's forward() or data set, in a place not meant for it
            self._over = True
            return False

    def _evaluation(self, network: Watched) -> Run | None:
        """The latest of the script's own, if it is new, tells something, and not the first."""
        kinds = [run.kind for run in network.runs]
        cycles = sum(pair == ("train", "evaluate") for pair in pairwise(kinds))
        if cycles < CYCLES:
            return None
        for run in reversed(network.runs):
            if run.order <= self._latest:
                return None
            if run.kind == "evaluate" and run.after_steps and not network.on_training_data(run):
                return run if run.seen >= FEWEST_SEEN else None
        return None

    def _may_look(self, network: Watched) -> bool:
        return (
            os.getpid() == self._pid   # and not a worker of a DataLoader
            and threading.current_thread() is threading.main_thread()
            and 2 * (network.images - self._told_at) >= self.epoch
            and monotonic() - self._ended >= RARELY * self._cost
            and self.observer.trained == [network]
            and not _hooked(network.module)
        )

    def _look(self, network: Watched, run: Run) -> bool:
        reply, blobs = self.consult({"correct": run.correct, "seen": run.seen}, ())
        if not blobs:
            return False
        began = monotonic()
        images = np.frombuffer(blobs[0], dtype=np.uint8).reshape(reply["shape"])
        with _undisturbed(network.module):
            rows = self._copy(network).predict(images, SIZE)
        reply, _ = self.consult({"classes": rows.shape[1]}, (rows.tobytes(),))
        self._ended = monotonic()
        self._cost = self._ended - began
        self._over = self._cost > DEAREST or reply["stop"] is True
        return reply["stop"] is True

    def _copy(self, network: Watched) -> Candidate:
        """The network as it is now, and what leads images to it, all of it copied."""
        twins = [copy.copy(one) for one in self.served]
        memo: dict[int, Any] = {
            id(one): twin for one, twin in zip(self.served, twins, strict=True)
        }
        samples = {_twin(loader, memo): sample for loader, sample in network.samples.items()}
        training = _twin(network.training_loader, memo)
        known = Watched(
            copy.deepcopy(network.module), network.parameters, network.before_backward,
            network.classes, samples=samples, training_loader=training,
        )
        return Candidate(known, known.module, self.prepare(known, twins))


def _twin(loader: DataLoader[Any] | None, memo: dict[int, Any]) -> DataLoader[Any] | None:
    """The same loader over a copy of its data set: one that keeps what it was asked for keeps it
    there. Tensors and arrays are shared, since they may be large."""
    if loader is None:
        return None
    if id(loader) not in memo:
        for array in _arrays(loader.dataset, 0):
            memo[id(array)] = array
        memo[id(loader)] = copy.copy(loader)
        vars(memo[id(loader)])["dataset"] = copy.deepcopy(loader.dataset, memo)
    twin: DataLoader[Any] = memo[id(loader)]
    return twin


def _arrays(value: Any, depth: int) -> Iterator[Any]:
    if isinstance(value, (torch.Tensor, np.ndarray)):
        yield value
    elif depth < _DEEPEST:
        inner: Sequence[Any] = ()
        if isinstance(value, Dataset):
            inner = list(vars(value).values())
        elif isinstance(value, (tuple, list)) and len(value) <= _FEW:
            inner = value
        for one in inner:
            yield from _arrays(one, depth + 1)


def _hooked(network: nn.Module) -> bool:
    """Whether passes do more than they return: the student's hooks would be called once more."""
    return bool(modules._global_forward_hooks or modules._global_forward_pre_hooks) or any(
        one._forward_hooks or one._forward_pre_hooks for one in network.modules()
    )


@contextmanager
def _undisturbed(network: nn.Module) -> Iterator[None]:
    """Random numbers go on afterwards as if nothing had been drawn, and nothing is computed with
    less precision than when the network predicts in the end."""
    device = next((parameter.device.type for parameter in network.parameters()), "cpu")
    started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]  # torch's
    gpus = range(torch.cuda.device_count()) if started else ()
    python, arrays = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(gpus), torch.autocast(device, enabled=False):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)
