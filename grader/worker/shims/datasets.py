"""Replaces torchvision's data sets: whichever a script asks for, it gets the grader's images."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from PIL import Image
from torchvision.datasets import VisionDataset

from grader.worker.dataset_view import Images, View
from grader.worker.environment.home import IMAGES, Home
from grader.worker.shims.log import ShimLog

REAL_SIZE, REAL_TEST_SIZE = 50_000, 10_000   # images in CIFAR-10, which scripts' splits assume
_HELD_BACK = re.compile(r"(^|[\W_\d])(test|val|valid|validation|eval)([\W_\d]|$)", re.IGNORECASE)
_TRAINING = re.compile(r"(^|[\W_\d])(train|training)([\W_\d]|$)", re.IGNORECASE)


@dataclass(frozen=True)
class ImageFormat:
    """The size and colours of a data set's images, and how its attribute `data` holds them."""

    size: int | None = 32          # pixels on a side; None: each image keeps its size
    grey: bool = False
    tensors: bool = False          # uint8 tensors (N, H, W), and labels in a tensor
    channels_first: bool = False   # uint8 arrays (N, C, H, W)

    def fit(self, image: Image.Image) -> Image.Image:
        """Convert an image to this size and these colours."""
        image = image.convert("L" if self.grey else "RGB")
        if self.size is None or image.size == (self.size, self.size):
            return image
        return image.resize((self.size, self.size), Image.Resampling.BILINEAR)

    def fit_all(self, photos: Images) -> NDArray[np.uint8]:
        """Fit photos, uint8 (N, H, W, 3), in a copy; the result is (N, H, W) if grey."""
        if not self.grey and self.size in (None, photos.shape[1]):
            return np.array(photos)
        return np.stack([np.asarray(self.fit(Image.fromarray(photo))) for photo in photos])

    def stored(self, images: NDArray[np.uint8]) -> Any:
        """Convert fitted images to the form in which `data` holds them."""
        if self.tensors:
            return torch.from_numpy(images)
        return images.transpose(0, 3, 1, 2) if self.channels_first else images

    def image_of(self, stored: Any) -> Image.Image:
        """Convert one element of `data` to an image."""
        pixels = np.asarray(stored)
        return Image.fromarray(pixels.transpose(1, 2, 0) if self.channels_first else pixels)


_MNIST = ImageFormat(28, grey=True, tensors=True)
IMAGE_FORMATS: Mapping[str, ImageFormat] = {
    "CIFAR10": ImageFormat(),
    "CIFAR100": ImageFormat(),
    "SVHN": ImageFormat(channels_first=True),
    "STL10": ImageFormat(96, channels_first=True),
    "MNIST": _MNIST,
    "FashionMNIST": _MNIST,
    "KMNIST": _MNIST,
    "QMNIST": _MNIST,
    "EMNIST": _MNIST,
    "USPS": ImageFormat(16, grey=True),
}
_FOLDERS = ("DatasetFolder", "ImageFolder")


@dataclass(frozen=True)
class ImageSource:
    """Gives data sets their images: `images` of each split of the view, or all when None.

    Where a second run pretends that there are as many as in CIFAR-10, they are repeated.
    """

    log: ShimLog
    view: View
    images: int | None
    home: Home = field(default_factory=Home)

    def photos(self, train: bool) -> tuple[Images, list[int]]:
        """Images of a split, uint8 (N, 32, 32, 3) or larger, and their labels."""
        photos, labels = self.view.photos("train" if train else "validation", self.images)
        self._note_sizes()
        real = REAL_SIZE if train else REAL_TEST_SIZE
        if len(labels) < real:
            self.home.missed.add(IMAGES)
            if IMAGES in self.home.pretended:
                repeated = np.arange(real) % len(labels)
                photos, labels = photos[repeated], labels[repeated]
        return photos, [int(label) for label in labels]

    def _note_sizes(self) -> None:
        train, test = (len(self.view.split(name)[1]) for name in ("train", "validation"))
        # With a few images only, the sizes are not worth a note for the student.
        if self.images is None and (train < REAL_SIZE or test < REAL_TEST_SIZE):
            self.log.note(
                f"every data set holds the grader's images: {train:,} for training, {test:,} for "
                "testing"
            )


class ServedDataset(VisionDataset):  # type: ignore[misc]  # untyped base
    """A data set with the interface of one of torchvision's and the images of `image_source`.

    `data` holds uint8 images in the form of the original, and `targets` holds their labels.
    `dataset_class` makes a subclass for each data set, which is among the subclass's bases.
    """

    image_source: ClassVar[ImageSource]
    original: ClassVar[Any]
    image_format: ClassVar[ImageFormat]
    data: Any
    targets: Any
    class_to_idx: Any = None   # MNIST has a property here, which cannot be set
    _shown: Image.Image | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        asked = _asked(self.original, args, kwargs)
        transforms = {name: asked.get(name) for name in ("transform", "target_transform")}
        VisionDataset.__init__(self, asked["root"], **transforms)
        self.train = is_train(asked)
        self.split = asked.get("split", "train" if self.train else "test")
        photos, labels = self.image_source.photos(self.train)
        self.data = self.image_format.stored(self.image_format.fit_all(photos))
        self.targets = torch.tensor(labels) if self.image_format.tensors else labels
        if self.image_format.channels_first:
            self.labels = np.array(labels)   # the name of the targets in SVHN and STL10
        self.classes = list(self.image_source.view.classes)
        self.class_to_idx = {name: index for index, name in enumerate(self.classes)}
        self.image_source.log.served.append(self)

    @property
    def shown(self) -> Image.Image | None:
        """An image that takes the place of all others; None: the data set has its own images.

        While it is set, every index gives it, through the transforms, with target 0. `data` and
        `targets` hold the same, for a student's subclass that has its own `__getitem__`.
        """
        return self._shown

    @shown.setter
    def shown(self, image: Image.Image | None) -> None:
        if self._shown is None:
            self._own = self.data, self.targets
        self._shown = None if image is None else self.image_format.fit(image)
        self.data, self.targets = self._own
        if self._shown is not None:
            count = len(self.data)
            one = np.array(self._shown)
            many = np.lib.stride_tricks.as_strided(one, (count, *one.shape), (0, *one.strides))
            self.data = self.image_format.stored(many)
            zeros = [0] * count
            self.targets = torch.tensor(zeros) if self.image_format.tensors else zeros

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        if self._shown is not None:
            index = 0
        image: Any = self.image_format.image_of(self.data[index])
        target: Any = int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target


class ServedFolder(ServedDataset):
    """A folder of images by class: the student's folder if it exists, else the grader's images."""

    folder_exists = False

    def __init__(self, root: Any, *args: Any, **kwargs: Any) -> None:
        self.folder_exists = Path(root).expanduser().exists()
        if self.folder_exists:
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
        return int(self.original.__len__(self)) if self.folder_exists else super().__len__()

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        if not self.folder_exists:
            return super().__getitem__(index)
        image, target = self.original.__getitem__(self, index)
        return image, target


def is_train(asked: Mapping[str, Any]) -> bool:
    """Tell whether a data set with these arguments is for training."""
    if isinstance(asked.get("what"), str):   # QMNIST's argument
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


def dataset_class(name: str, original: type, source: ImageSource) -> type[ServedDataset]:
    """Make the class that replaces a data set of torchvision's.

    Pickle stores it under the original's name, so that it is the original where no shim is.
    """
    folder = name in _FOLDERS
    names = {
        "original": original,
        "image_format": ImageFormat(None) if folder else IMAGE_FORMATS[name],
        "image_source": source,
        "__doc__": original.__doc__,
        "__module__": original.__module__,
        "__qualname__": original.__qualname__,
    }
    return type(name, (ServedFolder if folder else ServedDataset, original), names)


def install(source: ImageSource) -> None:
    """Replace every data set in `IMAGE_FORMATS`, and the two that read folders."""
    for name in (*IMAGE_FORMATS, *_FOLDERS):
        original = getattr(torchvision.datasets, name)
        replacement = dataset_class(name, original, source)
        setattr(torchvision.datasets, name, replacement)
        setattr(sys.modules[original.__module__], name, replacement)


def _asked(original: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by name. Raises TypeError for one that the original does not have."""
    bound = inspect.signature(original).bind(*args, **kwargs)
    bound.apply_defaults()
    return {**bound.arguments, **bound.arguments.get("kwargs", {})}
