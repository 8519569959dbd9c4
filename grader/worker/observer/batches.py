"""Observes data loaders: the labels of each batch, its loader, and where that loader was built.

The number of loader processes is capped at the number of threads: sixteen processes on one core
help nobody, and a container limits its processes.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
import torchvision
from torch.utils.data import BatchSampler, DataLoader, Dataset, SequentialSampler, Subset

from grader.worker.observer.source_lines import SourceLine, calling_line

# Attributes in which data sets keep the data set that they wrap.
_INNER = ("dataset", "ds", "data", "base", "subset", "source")
_DEEPEST = 6
A_FEW = 2   # batches


@dataclass(frozen=True, eq=False)
class Batch:
    """The labels of a batch, int64 (N,), its loader, and the loader's epoch, counted from 0."""

    labels: torch.Tensor
    loader: DataLoader[Any]
    epoch: int


class Batches:
    """Observes every DataLoader of the process.

    Attributes:
        latest: the batch that was loaded last.
        closing: if true, iterations that run end at once, and new ones after `A_FEW` batches.
        cut_short: the number of iterations that ended so.
    """

    def __init__(self, folder: Path) -> None:
        self.latest: Batch | None = None
        self.closing = False
        self.cut_short = 0
        self._folder = folder
        self._lines: WeakKeyDictionary[DataLoader[Any], SourceLine | None] = WeakKeyDictionary()
        self._epochs: Counter[int] = Counter()
        self._numbers: WeakKeyDictionary[DataLoader[Any], tuple[int, int]] = WeakKeyDictionary()
        self._numbered = 0

    def install(self) -> None:
        """Replace `DataLoader.__init__` and `DataLoader.__iter__`."""
        batches, build, iterate = self, DataLoader.__init__, DataLoader.__iter__

        def init(self: DataLoader[Any], *args: Any, **kwargs: Any) -> None:
            _cap_workers(kwargs)
            build(self, *args, **kwargs)
            batches._lines[self] = calling_line(batches._folder)

        def observed(self: DataLoader[Any]) -> Any:
            return _ObservedIterator(iterate(self), self, batches)

        init.__wrapped__ = build  # type: ignore[attr-defined]  # for inspect.signature
        DataLoader.__init__ = init  # type: ignore[method-assign]  # there is no hook for this
        DataLoader.__iter__ = observed  # type: ignore[method-assign]  # nor for this

    def line_of(self, loader: DataLoader[Any]) -> SourceLine | None:
        """The student's line that built a loader, if there is one."""
        return self._lines.get(loader)

    def numbers(self, loader: DataLoader[Any] | None) -> tuple[int, int]:
        """The number of a loader and that of its images, each from 1 on; 0 for no loader.

        Loaders of the same images have the same second number, as long as one of them is there.
        """
        if loader is None:
            return 0, 0
        known = self._numbers.get(loader)
        if known is None:
            self._numbered += 1
            own = loader.dataset
            alike = (ids[1] for one, ids in self._numbers.items() if _same(one.dataset, own))
            known = self._numbers[loader] = self._numbered, next(alike, self._numbered)
        return known

    def loaded(self, batch: Any, loader: DataLoader[Any]) -> None:
        """Note that a loader gave out a batch; `latest` is None when it has no labels."""
        labels = _labels(batch)
        epoch = self._epochs[id(loader)]
        self.latest = None if labels is None else Batch(labels, loader, epoch)

    def ended(self, loader: DataLoader[Any]) -> None:
        """Note that a loader has given out all batches of an epoch."""
        self._epochs[id(loader)] += 1


class _ObservedIterator:
    """A loader's iterator that reports each batch and otherwise behaves like the original."""

    def __init__(self, iterator: Any, loader: DataLoader[Any], batches: Batches) -> None:
        self._iterator, self._loader, self._batches = iterator, loader, batches
        self._left = A_FEW if batches.closing else 0   # batches to give out while closing

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            if self._batches.closing:
                self._take_one()
            batch = next(self._iterator)
        except StopIteration:
            self._batches.ended(self._loader)
            raise
        self._batches.loaded(batch, self._loader)
        return batch

    def _take_one(self) -> None:
        if not self._left:
            self._batches.cut_short += 1
            raise StopIteration
        self._left -= 1

    def __len__(self) -> int:
        return len(self._iterator)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._iterator, name)


def _cap_workers(kwargs: dict[str, Any]) -> None:
    asked = kwargs.get("num_workers", 0)
    if not isinstance(asked, int) or asked < 1:
        return
    kwargs["num_workers"] = min(asked, max(1, torch.get_num_threads()))
    if multiprocessing.get_start_method() != "fork":
        # A process that is not forked would run the script again, and without the shims.
        kwargs["num_workers"] = 0
        for name in ("prefetch_factor", "persistent_workers", "timeout", "multiprocessing_context"):
            kwargs.pop(name, None)


def _labels(batch: Any) -> torch.Tensor | None:
    """The first vector of whole numbers behind the first entry of a batch."""
    if isinstance(batch, dict):
        batch = [*batch.values()]
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        return None
    for part in batch[1:]:
        if isinstance(part, torch.Tensor) and part.dim() == 1 and not part.is_floating_point():
            return part.long()
    return None


def in_order(loader: DataLoader[Any]) -> bool:
    """True if the images come in the same order in each epoch."""
    batches = loader.batch_sampler
    return type(batches) is BatchSampler and isinstance(batches.sampler, SequentialSampler)


def _same(one: Dataset[Any], other: Dataset[Any]) -> bool:
    """True if two data sets have the same images; two subsets of one need not overlap."""
    return one is other or (base(one) is base(other) and type(one) is type(other) is not Subset)


def base(dataset: Dataset[Any]) -> Any:
    """The torchvision data set inside a script's wrappers, else the innermost data set."""
    found: Any = dataset
    for _ in range(_DEEPEST):
        if isinstance(found, torchvision.datasets.VisionDataset):
            return found
        inner = next((vars(found)[n] for n in _INNER if n in getattr(found, "__dict__", {})), None)
        if not isinstance(inner, Dataset):
            break
        found = inner
    return found
