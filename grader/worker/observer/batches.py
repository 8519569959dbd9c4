"""The batches that a script loads: their labels, which loader they are of, and where it was built.

Workers of a DataLoader are capped to what the machine has: sixteen processes on one core help
nobody, and a container has a limit on processes.
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
from torch.utils.data import BatchSampler, DataLoader, Dataset, SequentialSampler

from grader.worker.observer.source_lines import Place, of_caller

_INNER = ("dataset", "ds", "data", "base", "subset", "source")   # what wrappers call what they wrap
_DEEPEST = 6


@dataclass(frozen=True, eq=False)
class Batch:
    """The labels of a batch, int64 (N,), the loader that it came from, and how often that had
    been gone through by then."""

    labels: torch.Tensor
    loader: DataLoader[Any]
    epoch: int


class Batches:
    """Watches every DataLoader of the process. `latest` is the batch that was loaded last, while
    nothing else was; `places` is where each loader was built."""

    def __init__(self, folder: Path) -> None:
        self.latest: Batch | None = None
        self._folder = folder
        self._places: WeakKeyDictionary[DataLoader[Any], Place | None] = WeakKeyDictionary()
        self._epochs: Counter[int] = Counter()

    def install(self) -> None:
        batches, build, iterate = self, DataLoader.__init__, DataLoader.__iter__

        def init(self: DataLoader[Any], *args: Any, **kwargs: Any) -> None:
            _cap_workers(kwargs)
            build(self, *args, **kwargs)
            batches._places[self] = of_caller(batches._folder)

        def watched(self: DataLoader[Any]) -> Any:
            return _Watched(iterate(self), self, batches)

        init.__wrapped__ = build  # type: ignore[attr-defined]  # what inspect.signature looks for
        DataLoader.__init__ = init  # type: ignore[method-assign]  # there is no hook for this
        DataLoader.__iter__ = watched  # type: ignore[method-assign]  # nor for this

    def place(self, loader: DataLoader[Any]) -> Place | None:
        return self._places.get(loader)

    def loaded(self, batch: Any, loader: DataLoader[Any]) -> None:
        labels = _labels(batch)
        epoch = self._epochs[id(loader)]
        self.latest = None if labels is None else Batch(labels, loader, epoch)

    def ended(self, loader: DataLoader[Any]) -> None:
        self._epochs[id(loader)] += 1


class _Watched:
    """An iterator over batches that tells of each; in all else the one that it stands for."""

    def __init__(self, iterator: Any, loader: DataLoader[Any], batches: Batches) -> None:
        self._iterator, self._loader, self._batches = iterator, loader, batches

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            batch = next(self._iterator)
        except StopIteration:
            self._batches.ended(self._loader)
            raise
        self._batches.loaded(batch, self._loader)
        return batch

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
        # A worker that is started afresh runs the script once more, and without stand-ins.
        kwargs["num_workers"] = 0
        for name in ("prefetch_factor", "persistent_workers", "timeout", "multiprocessing_context"):
            kwargs.pop(name, None)


def _labels(batch: Any) -> torch.Tensor | None:
    if isinstance(batch, dict):
        batch = [*batch.values()]
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        return None
    for part in batch[1:]:
        if isinstance(part, torch.Tensor) and part.dim() == 1 and not part.is_floating_point():
            return part.long()
    return None


def in_order(loader: DataLoader[Any]) -> bool:
    """Whether the images come in the same order each time."""
    batches = loader.batch_sampler
    return type(batches) is BatchSampler and isinstance(batches.sampler, SequentialSampler)


def base(dataset: Dataset[Any]) -> Any:
    """The torchvision data set inside of what a script wraps around it; else what it is itself."""
    found: Any = dataset
    for _ in range(_DEEPEST):
        if isinstance(found, torchvision.datasets.VisionDataset):
            return found
        inner = next((vars(found)[n] for n in _INNER if n in getattr(found, "__dict__", {})), None)
        if not isinstance(inner, Dataset):
            break
        found = inner
    return found
