"""torchvision's datasets over the images that the grader brought, whatever a script asks for."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from PIL import Image
from torchvision.datasets import VisionDataset

from grader.worker.dataset_view import Images, View
from grader.worker.shims.log import ShimLog

REAL_SIZE, REAL_TEST_SIZE = 50_000, 10_000   # of CIFAR-10, for which scripts write their splits
_HELD_BACK = re.compile(r"(^|[\W_\d])(test|val|valid|validation|eval)([\W_\d]|$)", re.IGNORECASE)
_TRAINING = re.compile(r"(^|[\W_\d])(train|training)([\W_\d]|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Look:
    """What the images of a dataset look like: `size` pixels square (as they are when None), and how
    its `data` holds them."""

    size: int | None = 32
    grey: bool = False
    tensors: bool = False          # uint8 tensors (N, H, W), and labels in a tensor
    channels_first: bool = False   # uint8 arrays (N, C, H, W)

    def fit(self, image: Image.Image) -> Image.Image:
        """The image in this size and these colours."""
        image = image.convert("L" if self.grey else "RGB")
        if self.size is None or image.size == (self.size, self.size):
            return image
        return image.resize((self.size, self.size), Image.Resampling.BILINEAR)

    def fit_all(self, photos: Images) -> NDArray[np.uint8]:
        """uint8 (N, H, W, 3) -> each as `fit` makes it, in a copy; (N, H, W) if grey."""
        if not self.grey and self.size in (None, photos.shape[1]):
            return np.array(photos)
        return np.stack([np.asarray(self.fit(Image.fromarray(photo))) for photo in photos])

    def stored(self, images: NDArray[np.uint8]) -> Any:
        """Fitted images as `data` holds them."""
        if self.tensors:
            return torch.from_numpy(images)
        return images.transpose(0, 3, 1, 2) if self.channels_first else images

    def taken_out(self, stored: Any) -> Image.Image:
        """One image of `data`."""
        pixels = np.asarray(stored)
        return Image.fromarray(pixels.transpose(1, 2, 0) if self.channels_first else pixels)


_MNIST = Look(28, grey=True, tensors=True)
LOOKS: Mapping[str, Look] = {
    "CIFAR10": Look(),
    "CIFAR100": Look(),
    "SVHN": Look(channels_first=True),
    "STL10": Look(96, channels_first=True),
    "MNIST": _MNIST,
    "FashionMNIST": _MNIST,
    "KMNIST": _MNIST,
    "QMNIST": _MNIST,
    "EMNIST": _MNIST,
    "USPS": Look(16, grey=True),
}
_FOLDERS = ("DatasetFolder", "ImageFolder")


@dataclass(frozen=True)
class Shelf:
    """Where datasets take their images from: `images` of each split of the view (all when None)."""

    log: ShimLog
    view: View
    images: int | None

    def photos(self, train: bool) -> tuple[Images, list[int]]:
        pictures, labels = self.view.photos("train" if train else "validation", self.images)
        self._tell()
        return pictures, [int(label) for label in labels]

    def _tell(self) -> None:
        train, test = (len(self.view.split(name)[1]) for name in ("train", "validation"))
        # Of a handful of images the scaling is the grader's own business and no news.
        if self.images is None and (train < REAL_SIZE or test < REAL_TEST_SIZE):
            self.log.note(
                f"data sets are the grader's own images: {train:,} to train on and {test:,} to "
                "test on, whatever was asked for"
            )


class Served(VisionDataset):  # type: ignore[misc]  # untyped base
    """A dataset of torchvision's with its interface, of the images on `shelf`.

    `data` holds uint8 images as the original does, `targets` their labels. Subclasses for each
    dataset are made by `served`, and have that dataset among their bases.
    """

    shelf: ClassVar[Shelf]
    original: ClassVar[Any]
    look: ClassVar[Look]
    data: Any
    targets: Any
    class_to_idx: Any = None   # of MNIST a property, which could not be set
    _shown: Image.Image | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        asked = _asked(self.original, args, kwargs)
        transforms = {name: asked.get(name) for name in ("transform", "target_transform")}
        VisionDataset.__init__(self, asked["root"], **transforms)
        self.train = is_train(asked)
        self.split = asked.get("split", "train" if self.train else "test")
        pictures, labels = self.shelf.photos(self.train)
        self.data = self.look.stored(self.look.fit_all(pictures))
        self.targets = torch.tensor(labels) if self.look.tensors else labels
        if self.look.channels_first:
            self.labels = np.array(labels)   # so SVHN and STL10 call their targets
        self.classes = list(self.shelf.view.classes)
        self.class_to_idx = {name: index for index, name in enumerate(self.classes)}
        self.shelf.log.served.append(self)

    @property
    def shown(self) -> Image.Image | None:
        """When set, every index gives this image (through the transforms) and target 0.

        `data` and `targets` say the same meanwhile, for a subclass with a `__getitem__` of its own.
        """
        return self._shown

    @shown.setter
    def shown(self, image: Image.Image | None) -> None:
        if self._shown is None:
            self._own = self.data, self.targets
        self._shown = None if image is None else self.look.fit(image)
        self.data, self.targets = self._own
        if self._shown is not None:
            count = len(self.data)
            one = np.array(self._shown)
            many = np.lib.stride_tricks.as_strided(one, (count, *one.shape), (0, *one.strides))
            self.data = self.look.stored(many)
            zeros = [0] * count
            self.targets = torch.tensor(zeros) if self.look.tensors else zeros

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        if self._shown is not None:
            index = 0
        image: Any = self.look.taken_out(self.data[index])
        target: Any = int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target


class ServedFolder(Served):
    """A folder of images, class by class: the one that is there, or what is served in its place."""

    there = False

    def __init__(self, root: Any, *args: Any, **kwargs: Any) -> None:
        self.there = Path(root).expanduser().exists()
        if self.there:
            self.original.__init__(self, root, *args, **kwargs)
            return
        super().__init__(root, *args, **kwargs)
        labels = enumerate(self.targets)
        self.samples = [
            (str(Path(root) / self.classes[label] / f"{number:05}.png"), label)
            for number, label in labels
        ]
        self.imgs = self.samples

    def __len__(self) -> int:
        return int(self.original.__len__(self)) if self.there else super().__len__()

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        if not self.there:
            return super().__getitem__(index)
        image, target = self.original.__getitem__(self, index)
        return image, target


def is_train(asked: Mapping[str, Any]) -> bool:
    """Whether a dataset that is asked for with these arguments is for training."""
    if isinstance(asked.get("what"), str):   # of QMNIST
        return bool(asked["what"] == "train")
    if "train" in asked:
        return bool(asked["train"])
    if "split" in asked:
        return str(asked["split"]).lower() not in ("test", "val", "valid", "validation")
    for part in reversed(Path(asked["root"]).parts[-2:]):
        if _TRAINING.search(part):
            return True
        if _HELD_BACK.search(part):
            return False
    return True


def served(name: str, original: type, shelf: Shelf) -> type[Served]:
    """The stand-in for a dataset of torchvision's; pickled, it is the original again."""
    base, look = (ServedFolder, Look(None)) if name in _FOLDERS else (Served, LOOKS[name])
    names = {
        "original": original, "look": look, "shelf": shelf, "__doc__": original.__doc__,
        "__module__": original.__module__, "__qualname__": original.__qualname__,
    }
    return type(name, (base, original), names)


def install(shelf: Shelf) -> None:
    for name in (*LOOKS, *_FOLDERS):
        original = getattr(torchvision.datasets, name)
        stand_in = served(name, original, shelf)
        setattr(torchvision.datasets, name, stand_in)
        setattr(sys.modules[original.__module__], name, stand_in)


def _asked(original: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by name; raises TypeError, as the original does, for those that it lacks."""
    bound = inspect.signature(original).bind(*args, **kwargs)
    bound.apply_defaults()
    return {**bound.arguments, **bound.arguments.get("kwargs", {})}
