"""Interim looks at a network while it trains, by which the host may end the training early.

A look must not change the student's run: a copy of the network predicts, in evaluation mode, images
that go through copies of the script's data sets, and the random numbers are restored. In any doubt
there is no look, and the training goes on as if nothing had happened.
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

from grader.worker.events.phases import Phase
from grader.worker.observer.networks import ObservedNetwork
from grader.worker.observer.observer import Observer
from grader.worker.probes.candidates import Candidate
from grader.worker.probes.preprocessing import Prepared
from grader.worker.session import Consult

CYCLES = 2          # of training and evaluation, so that mistakes from the second on are seen
FEWEST_SEEN = 100   # images of an evaluation whose accuracy is meaningful
SIZE = 64           # images at a time: no more memory than a training step takes
RARELY = 10         # the pause between two looks, as a multiple of the duration of the first
LONGEST = 20.0      # seconds; a look that takes longer is the last
_DEEPEST = 6        # data sets in data sets
_FEW = 8            # a longer tuple is a list of images, not one of tensors

Prepare = Callable[[ObservedNetwork, Sequence[Any]], Prepared]


@dataclass
class InterimLooks:
    """Called before each training pass; returns True once the network is sure of full credit.

    Attributes:
        consult: sends a message to the host and returns its reply.
        observer: the observer of the training.
        served: the data sets that the shims gave to the script.
        epoch: the number of images in an epoch.
        prepare: finds how a network's images are prepared, from its samples and the data sets.
    """

    consult: Consult
    observer: Observer
    served: Sequence[Any]
    epoch: int
    prepare: Prepare
    _over: bool = False
    _phases: int = 0      # at the last call; without new phases there is nothing new
    _latest: int = 0      # the order of the evaluation that was reported last
    _images: int = 0      # images that the network had been trained on by then
    _ended: float = field(default_factory=monotonic)
    _cost: float = 0.0    # seconds of the last look
    _pid: int = field(default_factory=os.getpid)

    def __call__(self, network: ObservedNetwork) -> bool:
        if self._over or len(network.phases) == self._phases:
            return False
        self._phases = len(network.phases)
        evaluation = self._evaluation(network)
        if evaluation is None or not self._may_look(network):
            return False
        self._latest, self._images = evaluation.order, network.images
        try:
            return self._look(network, evaluation)
        except Exception:   # of the student's forward() or data set, in an unexpected place
            self._over = True
            return False

    def _evaluation(self, network: ObservedNetwork) -> Phase | None:
        """The script's latest evaluation, if it is new, large enough and not in the first cycle."""
        kinds = [phase.kind for phase in network.phases]
        cycles = sum(pair == ("train", "evaluate") for pair in pairwise(kinds))
        if cycles < CYCLES:
            return None
        for phase in reversed(network.phases):
            if phase.order <= self._latest:
                return None
            evaluates = phase.kind == "evaluate" and phase.after_steps
            if evaluates and not network.told.on_training_data(phase):
                return phase if phase.seen >= FEWEST_SEEN else None
        return None

    def _may_look(self, network: ObservedNetwork) -> bool:
        return (
            os.getpid() == self._pid   # not in a worker process of a DataLoader
            and threading.current_thread() is threading.main_thread()
            and 2 * (network.images - self._images) >= self.epoch
            and monotonic() - self._ended >= RARELY * self._cost
            and self.observer.trained == [network]
            and not _hooked(network.module)
        )

    def _look(self, network: ObservedNetwork, phase: Phase) -> bool:
        reply, blobs = self.consult({"correct": phase.correct, "seen": phase.seen}, ())
        if not blobs:
            return False
        began = monotonic()
        images = np.frombuffer(blobs[0], dtype=reply["dtype"]).reshape(reply["shape"])
        with _undisturbed(network.module):
            rows = self._copy(network).predict(images, SIZE)
        reply, _ = self.consult({"classes": rows.shape[1]}, (rows.tobytes(),))
        self._ended = monotonic()
        self._cost = self._ended - began
        self._over = self._cost > LONGEST or reply["stop"] is True
        return reply["stop"] is True

    def _copy(self, network: ObservedNetwork) -> Candidate:
        """A copy of the network as it is now, and of the data sets that prepare its images."""
        twins = [copy.copy(one) for one in self.served]
        memo: dict[int, Any] = {
            id(one): twin for one, twin in zip(self.served, twins, strict=True)
        }
        samples = {_twin(loader, memo): sample for loader, sample in network.samples.items()}
        training = _twin(network.training_loader, memo)
        observed = ObservedNetwork(
            copy.deepcopy(network.module), network.parameters, network.before_backward,
            network.classes, samples=samples, training_loader=training,
        )
        return Candidate(observed, observed.module, self.prepare(observed, twins))


def _twin(loader: DataLoader[Any] | None, memo: dict[int, Any]) -> DataLoader[Any] | None:
    """Copies a loader, with a copy of its data set that may record what it was asked for.

    Tensors and arrays are shared, since they may be large.
    """
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
    """True if the student has registered hooks, which a look would call once more."""
    return bool(modules._global_forward_hooks or modules._global_forward_pre_hooks) or any(
        one._forward_hooks or one._forward_pre_hooks for one in network.modules()
    )


@contextmanager
def _undisturbed(network: nn.Module) -> Iterator[None]:
    """Restore the random numbers afterwards, and compute in full precision without autocast."""
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
