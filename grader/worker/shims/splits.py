"""Scales splits that scripts write for the real data sets' sizes to the images that are served."""

from __future__ import annotations

from typing import Any

import torch
from torchvision.datasets import VisionDataset

from grader.worker.shims.datasets import REAL_SIZE, REAL_TEST_SIZE
from grader.worker.shims.log import ShimLog


def install(log: ShimLog) -> None:
    """Patch `random_split` and `Subset`; a split that was scaled gets a note."""
    data = torch.utils.data
    split, subset_init = data.random_split, data.Subset.__init__

    def random_split(dataset: Any, lengths: Any, *args: Any, **kwargs: Any) -> Any:
        lengths, total = list(lengths), sum(lengths)
        if all(isinstance(n, int) for n in lengths) and total > len(dataset):
            log.note(f"a split of {total:,} images was scaled to the {len(dataset):,} available")
            lengths = [n * len(dataset) // total for n in lengths]
            lengths[0] += len(dataset) - sum(lengths)
        return split(dataset, lengths, *args, **kwargs)

    def init(self: Any, dataset: Any, indices: Any) -> None:
        chosen = [int(index) for index in indices]
        top = max(chosen, default=0)
        if top >= len(dataset) and isinstance(dataset, VisionDataset):
            real = max(REAL_SIZE if getattr(dataset, "train", True) else REAL_TEST_SIZE, top + 1)
            log.note(f"a subset of {real:,} images was scaled to the {len(dataset):,} available")
            chosen = sorted({index * len(dataset) // real for index in chosen})
        subset_init(self, dataset, chosen)

    data.random_split = random_split
    data.dataset.random_split = random_split
    data.Subset.__init__ = init  # type: ignore[method-assign]  # a shim
