"""Watching a training without a change to it: forward passes, modes, optimizers, steps, data.

Hooks that torch offers for every module and every optimizer, installed once in a session's own
process. What they note is put together to one row per run of passes of the same kind: an epoch of
training, an epoch of evaluation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic  # taken before the student's code may put another in its place
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.data import DataLoader

MAX_RUNS = 600


class BudgetReached(BaseException):
    """Raised at a batch boundary when the budget is used up. Not an Exception: a student's
    `except Exception` is not meant for it."""


@dataclass(frozen=True)
class Budget:
    """`images` to train on and `seconds` of wall time; None is no limit."""

    images: int | None = None
    seconds: float | None = None


@dataclass
class Run:
    """Consecutive passes of one kind through one network."""

    kind: str
    after_steps: int
    passes: int = 0
    images: int = 0
    norms_training: int = 0
    norms_evaluating: int = 0
    dropouts_training: int = 0
    with_gradients: int = 0
    seen: int = 0
    correct: int = 0
    loss: float = 0.0
    lr: float | None = None
    statistics_moved: bool = False


@dataclass
class Modes:
    """How many layers were in train mode, and how many in eval mode."""

    training: int = 0
    evaluating: int = 0

    def count(self, training: bool) -> None:
        self.training += training
        self.evaluating += not training


@dataclass
class Settings:
    """An optimizer's groups as they were in its latest step, and how often it stepped with them."""

    optimizer: str
    groups: list[dict[str, Any]]
    steps: int = 0


@dataclass
class _Pass:
    """One forward pass that has not been told apart yet: a backward pass may still follow."""

    network: nn.Module
    modes: Modes
    dropouts: int
    gradients: bool
    images: int
    targets: torch.Tensor | None
    statistics: list[torch.Tensor] | None
    moved: bool = False
    output: torch.Tensor | None = None
    backward: bool = False
    steps: int = 0
    at_work: Modes | None = None

    @property
    def told(self) -> Modes:
        """Of batch norms the mode in which each was called: forward() may have switched it."""
        return self.at_work or self.modes


@dataclass
class Observer:
    """What was seen. `network` is the one whose parameters were stepped most."""

    budget: Budget
    began: float = field(default_factory=monotonic)
    runs: list[Run] = field(default_factory=list)
    trained_images: int = 0
    steps: int = 0
    stopped: str | None = None
    _depth: int = 0
    _open: _Pass | None = None
    _latest: tuple[int, torch.Tensor] | None = None
    _networks: dict[int, nn.Module] = field(default_factory=dict)
    _stepped: dict[int, int] = field(default_factory=dict)
    _settings: dict[Any, Settings] = field(default_factory=dict)
    _lr: float | None = None
    _muted: bool = False

    def install(self) -> None:
        """Hook into torch. There is one observer in a process, for all of its life."""
        torch.nn.modules.module.register_module_forward_pre_hook(self._before)
        torch.nn.modules.module.register_module_forward_hook(self._after, always_call=True)
        register_optimizer_step_post_hook(self._stepped_by)
        self._watch_batches()

    @property
    def network(self) -> nn.Module | None:
        if not self._stepped:
            return None
        return self._networks[max(self._stepped, key=lambda key: self._stepped[key])]

    def settings(self, network: nn.Module) -> Settings | None:
        """Those that most steps on this network were taken with; of equals, the later ones.

        An optimizer that was made and not used tells nothing, nor do groups that were changed when
        all was over.
        """
        own = {id(parameter) for parameter in network.parameters()}
        used = [
            settings
            for settings in self._settings.values()
            if any(id(p) in own for group in settings.groups for p in group["params"])
        ]
        return max(reversed(used), key=lambda settings: settings.steps, default=None)

    def finish(self) -> None:
        """Close the last run. Nothing is observed afterwards."""
        self._close()
        self._muted = True

    # What the hooks call ------------------------------------------------------------------------

    def _before(self, module: nn.Module, inputs: Any) -> None:
        self._depth += 1
        if self._depth > 1 and self._open is not None and isinstance(module, _BatchNorm):
            self._open.at_work = self._open.at_work or Modes()
            self._open.at_work.count(module.training)
        if self._depth > 1 or self._muted or not _has_parameters(module):
            return
        self._close()
        self._check_budget()
        norms = [inner for inner in module.modules() if isinstance(inner, _BatchNorm)]
        drops = [inner for inner in module.modules() if isinstance(inner, _DropoutNd)]
        careful = norms or drops or [module]
        modes = Modes()
        for inner in careful:
            modes.count(inner.training)
        images = int(inputs[0].shape[0]) if inputs and _is_batch(inputs[0]) else 0
        known = self._latest
        targets = known[1] if known is not None and known[0] == images else None
        gradients = torch.is_grad_enabled()
        # What cannot be a training pass must leave the running statistics alone, bit for bit.
        watched = not (gradients and modes.training)
        self._open = _Pass(
            module,
            modes,
            sum(inner.training for inner in drops),
            gradients,
            images,
            targets,
            _statistics(norms) if watched else None,
        )

    def _after(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._depth -= 1
        current = self._open
        if self._depth > 0 or current is None or current.network is not module:
            return
        if current.statistics is not None:
            now = _statistics(m for m in module.modules() if isinstance(m, _BatchNorm))
            pairs = zip(current.statistics, now, strict=True)
            current.moved = not all(torch.equal(_bits(old), _bits(new)) for old, new in pairs)
        tensor = output if isinstance(output, torch.Tensor) else None
        if tensor is None and isinstance(output, (tuple, list)) and output:
            tensor = output[0] if isinstance(output[0], torch.Tensor) else None
        if tensor is None:
            return
        current.output = tensor.detach()
        if not current.images and tensor.dim():
            current.images = len(tensor)   # of a network that is called as model(x=images)
        if tensor.requires_grad:
            tensor.register_hook(lambda gradient: _mark_backward(current))  # type: ignore[no-untyped-call]  # torch's own

    def _stepped_by(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if self._muted:
            return
        self.steps += 1
        self._keep_settings(optimizer)
        self._lr = float(optimizer.param_groups[0]["lr"])
        current = self._open
        if current is not None:
            current.steps += 1
            key = id(current.network)
            self._networks[key] = current.network
            self._stepped[key] = self._stepped.get(key, 0) + 1

    def _keep_settings(self, optimizer: Optimizer) -> None:
        groups = [{**group, "params": list(group["params"])} for group in optimizer.param_groups]
        which = tuple((_decays(group), *map(id, group["params"])) for group in groups)
        before = self._settings.get(which)
        steps = before.steps + 1 if before is not None else 1
        self._settings[which] = Settings(type(optimizer).__name__, groups, steps)

    # Putting it together ------------------------------------------------------------------------

    def _close(self) -> None:
        """Tell the open pass apart, now that what followed it is known."""
        current, self._open = self._open, None
        if current is None:
            return
        kind = "train" if current.backward or current.steps else "evaluate"
        run = self.runs[-1] if self.runs else None
        if run is None or run.kind != kind:
            run = Run(kind, after_steps=self.steps)
            if len(self.runs) < MAX_RUNS:
                self.runs.append(run)
        run.passes += 1
        run.images += current.images
        run.norms_training += current.told.training > 0
        run.norms_evaluating += current.told.training == 0
        run.dropouts_training += current.dropouts > 0
        run.with_gradients += current.gradients
        run.statistics_moved = run.statistics_moved or current.moved
        run.lr = self._lr
        if kind == "train":
            self.trained_images += current.images
        self._score(run, current)

    def _score(self, run: Run, current: _Pass) -> None:
        output, targets = current.output, current.targets
        if output is None or targets is None or output.dim() != 2 or len(output) != len(targets):
            return
        targets = targets.to(output.device)
        if int(targets.max()) >= output.shape[1] or int(targets.min()) < 0:
            return
        run.seen += len(targets)
        run.loss += float(F.cross_entropy(output.float(), targets, reduction="sum"))
        run.correct += int((output.argmax(1) == targets).sum())

    def _check_budget(self) -> None:
        budget = self.budget
        if budget.seconds is not None and monotonic() - self.began > budget.seconds:
            self.stopped = "seconds"
        elif budget.images is not None and self.trained_images > budget.images:
            # One batch too many: the evaluation after the last epoch still belonged to it.
            self.stopped = "epochs"
        if self.stopped:
            self._depth = 0
            raise BudgetReached(self.stopped)

    def _watch_batches(self) -> None:
        """Remember the labels of the latest batch, to score the pass that follows."""
        original, observer = DataLoader.__iter__, self

        def iterate(self: DataLoader[Any]) -> Iterator[Any]:
            for batch in original(self):
                observer._latest = _labels(batch)
                yield batch

        DataLoader.__iter__ = iterate  # type: ignore[assignment, method-assign]  # as above


def _decays(group: Mapping[str, Any]) -> bool:
    return bool(group.get("weight_decay"))


def _mark_backward(current: _Pass) -> None:
    current.backward = True


def _has_parameters(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None


def _is_batch(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.dim() > 0


def _labels(batch: Any) -> tuple[int, torch.Tensor] | None:
    if (
        isinstance(batch, (tuple, list))
        and len(batch) == 2
        and isinstance(batch[1], torch.Tensor)
        and batch[1].dim() == 1
        and not batch[1].is_floating_point()
    ):
        return len(batch[1]), batch[1].long()
    return None


def _statistics(norms: Iterable[nn.Module]) -> list[torch.Tensor]:
    return [buffer.clone() for module in norms for buffer in module.buffers(recurse=False)]


def _bits(values: torch.Tensor) -> torch.Tensor:
    """For comparing bit by bit: after a training that diverged, NaN is not equal to itself."""
    return values.reshape(-1).view(torch.uint8)


def tracked_batches(network: nn.Module) -> list[int]:
    """`num_batches_tracked` of each batch norm that keeps running statistics."""
    return [
        int(module.num_batches_tracked)
        for module in network.modules()
        if isinstance(module, _BatchNorm) and module.num_batches_tracked is not None
    ]
