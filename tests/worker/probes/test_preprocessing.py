"""Hidden images are prepared as a script prepares its test images, however it does that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset
from torchvision import transforms

from grader.worker.dataset_view import View
from grader.worker.observer.networks import ObservedNetwork
from grader.worker.probes.preprocessing import Prepared, as_the_script_does
from grader.worker.shims.datasets import IMAGE_FORMATS, ImageSource, ServedDataset
from grader.worker.shims.log import ShimLog

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.3, 0.25)
USUAL = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
HIDDEN = np.random.default_rng(7).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def view(tmp_path: Path) -> View:
    random = np.random.default_rng(0)
    for split, count in (("train", 60), ("validation", 40)):
        images = random.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
        np.save(tmp_path / f"{split}_images.npy", images)
        np.save(tmp_path / f"{split}_labels.npy", np.arange(count) % 10)
    return View(tmp_path, tuple("abcdefghij"))


class Shelves:
    """CIFAR-10 as a script finds it."""

    def __init__(self, view: View) -> None:
        self.log = ShimLog()
        source = ImageSource(self.log, view, None)
        import torchvision

        original = torchvision.datasets.CIFAR10
        image_format = IMAGE_FORMATS["CIFAR10"]
        names = {"image_source": source, "original": original, "image_format": image_format}
        self.cifar: Any = type("CIFAR10", (ServedDataset,), names)


@pytest.fixture
def shelves(view: View) -> Shelves:
    return Shelves(view)


def photos(images: np.ndarray[Any, Any]) -> torch.Tensor:
    """float32 (N, 3, 32, 32) in [0, 1]."""
    large = images.repeat(4, axis=1).repeat(4, axis=2)
    return torch.from_numpy(large).permute(0, 3, 1, 2).float() / 255


def normalised(images: torch.Tensor) -> torch.Tensor:
    changed: torch.Tensor = transforms.Normalize(MEAN, STD)(images)
    return changed


def usual(images: np.ndarray[Any, Any]) -> torch.Tensor:
    return normalised(photos(images))


def evaluated(
    shelves: Shelves,
    view: View,
    loader: DataLoader[Any],
    loop: Callable[[torch.Tensor], torch.Tensor] = lambda batch: batch,
    *,
    by_loader: bool = True,
) -> Prepared:
    """The way found after an evaluation over `loader` whose `loop` changes each batch.

    With `by_loader` false, the batch is not known to come from a loader.
    """
    observed = ObservedNetwork(nn.Linear(1, 1), frozenset(), lambda network: None)
    batch = next(iter(loader))
    images = batch[0] if isinstance(batch, (tuple, list)) else batch
    observed.samples[loader if by_loader else None] = loop(images)
    return as_the_script_does(observed, shelves.log.served, view)


def test_the_test_sets_own_transform_is_the_way(shelves: Shelves, view: View) -> None:
    found = evaluated(shelves, view, DataLoader(shelves.cifar("x", False, USUAL), 16))
    assert (found.way, found.sure) == ("dataset", True)
    assert torch.allclose(found.prepare(HIDDEN), usual(HIDDEN), atol=1e-5)


def test_what_the_loop_does_to_a_batch_is_learnt(shelves: Shelves, view: View) -> None:
    loader = DataLoader(shelves.cifar("x", False, transforms.ToTensor()), 16)

    def loop(batch: torch.Tensor) -> torch.Tensor:
        return normalised(batch).reshape(len(batch), -1)

    found = evaluated(shelves, view, loader, loop)
    assert found.sure
    assert torch.allclose(found.prepare(HIDDEN), usual(HIDDEN).flatten(1), atol=1e-4)


def test_a_loader_in_random_order_leaves_the_way_unproved(shelves: Shelves, view: View) -> None:
    loader = DataLoader(shelves.cifar("x", False, USUAL), 16, shuffle=True)
    found = evaluated(shelves, view, loader)
    assert (found.way, found.sure) == ("dataset", False)
    assert torch.allclose(found.prepare(HIDDEN), usual(HIDDEN), atol=1e-5)


class Wrapped(Dataset[Any]):
    """A data set around another one, with a transform of its own."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __len__(self) -> int:
        return len(self.inner)

    def __getitem__(self, index: int) -> Any:
        image, label = self.inner[index]
        return {"image": USUAL(image), "label": label}["image"], label


@pytest.mark.parametrize("part", [False, True], ids=["whole", "part"])
def test_a_data_set_that_wraps_ours_is_the_way(shelves: Shelves, view: View, part: bool) -> None:
    inner = shelves.cifar("x", train=part)
    dataset: Any = Wrapped(Subset(inner, range(30, 60)) if part else inner)
    found = evaluated(shelves, view, DataLoader(dataset, 16))
    assert (found.way, found.sure) == ("dataset", True)
    assert torch.allclose(found.prepare(HIDDEN), usual(HIDDEN), atol=1e-5)


def test_arrays_that_were_taken_out_of_ours_are_recognised(shelves: Shelves, view: View) -> None:
    data = photos(view.split("validation")[0])
    moved = (data - 0.3) / 0.7
    loader: Any = DataLoader(TensorDataset(moved, torch.zeros(40)), 16, shuffle=True)
    found = evaluated(shelves, view, loader)
    assert (found.way, found.sure) == ("recognised", True)
    assert torch.allclose(found.prepare(HIDDEN), (photos(HIDDEN) - 0.3) / 0.7, atol=1e-4)


def test_a_loop_without_a_loader_is_recognised(shelves: Shelves, view: View) -> None:
    data = usual(view.split("validation")[0])
    loader: Any = DataLoader(TensorDataset(data, torch.zeros(40)), 16)
    found = evaluated(shelves, view, loader, lambda batch: batch.half(), by_loader=False)
    assert (found.way, found.sure) == ("recognised", True)
    prepared = found.prepare(HIDDEN)
    assert prepared.dtype == torch.float16
    assert torch.allclose(prepared.float(), usual(HIDDEN), atol=1e-2)


def test_a_mean_image_may_have_been_subtracted(shelves: Shelves, view: View) -> None:
    data, average = photos(view.split("validation")[0]), photos(view.split("train")[0]).mean(0)
    loader: Any = DataLoader(TensorDataset((data - average) / 0.3, torch.zeros(40)), 16)
    found = evaluated(shelves, view, loader)
    assert (found.way, found.sure) == ("recognised", True)
    assert torch.allclose(found.prepare(HIDDEN), (photos(HIDDEN) - average) / 0.3, atol=1e-3)


def test_images_may_have_their_channels_last(shelves: Shelves, view: View) -> None:
    data = usual(view.split("validation")[0]).permute(0, 2, 3, 1)
    loader: Any = DataLoader(TensorDataset(data, torch.zeros(40)), 16)
    found = evaluated(shelves, view, loader)
    assert torch.allclose(found.prepare(HIDDEN), usual(HIDDEN).permute(0, 2, 3, 1), atol=1e-4)


def test_several_crops_of_an_image_are_kept_apart(shelves: Shelves, view: View) -> None:
    crops = transforms.Compose([
        transforms.FiveCrop(28),
        transforms.Lambda(lambda five: torch.stack([USUAL(crop) for crop in five])),
    ])
    loader = DataLoader(shelves.cifar("x", False, crops), 4)
    found = evaluated(shelves, view, loader, lambda batch: batch.flatten(0, 1))
    assert found.way == "dataset"
    assert found.prepare(HIDDEN).shape == (5, 5, 3, 28, 28)


def test_without_an_evaluation_the_test_sets_transform_counts(shelves: Shelves, view: View) -> None:
    train, test = transforms.Compose([transforms.ToTensor()]), USUAL
    shelves.cifar("x", False, test)
    shelves.cifar("x", True, train)
    observed = ObservedNetwork(nn.Linear(1, 1), frozenset(), lambda network: None)
    found = as_the_script_does(observed, shelves.log.served, view)
    assert (found.way, found.sure) == ("transform", False)
    assert torch.allclose(found.prepare(HIDDEN), usual(HIDDEN), atol=1e-5)


def test_inputs_that_are_not_made_of_our_images_are_not_recognised(
    shelves: Shelves, view: View
) -> None:
    loader: Any = DataLoader(TensorDataset(torch.randn(40, 3, 32, 32), torch.zeros(40)), 16)
    found = evaluated(shelves, view, loader)
    assert (found.way, found.sure) == ("standard", False)
