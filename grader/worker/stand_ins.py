"""What a script finds in place of the network, a display and a download.

Installed once in a session's own process, before any student code is loaded; nothing is restored.
A script's own files are never edited.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torchvision
from torch import nn

from grader.worker import networks
from grader.worker.view import View

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
REAL_SIZE, REAL_TEST_SIZE = 50_000, 10_000   # of CIFAR-10, for which scripts write their splits
_PHOTOS = ("CIFAR10", "CIFAR100", "SVHN", "STL10")
_GREY = ("MNIST", "FashionMNIST", "KMNIST", "QMNIST")


@dataclass
class Stage:
    """What the stand-ins have seen: `built` networks in order, and notes for the feedback.

    `test_transform` is the one that the script gave its test set: hidden images go through it.
    """

    built: list[nn.Module] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    test_transform: Callable[[Any], Any] | None = None

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def install(network: Mapping[str, Any] | None, view: View | None, images: int | None) -> Stage:
    """Replace torchvision's ResNets and datasets, and give notebooks what IPython gives them.

    With a `network` spec every ResNet that is asked for is that network. `view` holds the data that
    the datasets serve, `images` of each split (all when None).
    """
    stage = Stage()
    _networks(stage, network)
    if view is not None:
        _datasets(stage, view, images)
        # Of a handful of images the scaling is the grader's own business and no news.
        _splits(stage if images is None else Stage())
    _notebook_names()
    return stage


def _networks(stage: Stage, spec: Mapping[str, Any] | None) -> None:
    models = torchvision.models
    originals = {name: getattr(models, name) for name in RESNETS}

    def stand_in(name: str) -> Callable[..., Any]:
        def build(*args: Any, weights: Any = None, pretrained: Any = False, **kwargs: Any) -> Any:
            if weights is not None or pretrained or (args and args[0] is True):
                stage.note(
                    f"{name} was asked for pretrained weights, which need a network: "
                    "it was given its usual random initialisation"
                )
            kwargs.pop("progress", None)
            if spec is not None:
                network = networks.build(spec)
            else:
                network = originals[name](weights=None, **kwargs)
            stage.built.append(network)
            return network

        build.__name__ = name
        return build

    for name in RESNETS:
        replacement = stand_in(name)
        setattr(models, name, replacement)
        setattr(models.resnet, name, replacement)
    by_name = {name: getattr(models, name) for name in RESNETS}
    get_model = models.get_model

    def get(name: str, **config: Any) -> Any:
        return by_name.get(name.lower(), lambda **rest: get_model(name, **rest))(**config)

    def from_hub(repository: str, model: str, *args: Any, **kwargs: Any) -> Any:
        if model not in by_name:
            raise RuntimeError(f"torch.hub.load({repository!r}, {model!r}): there is no network")
        for key in ("source", "trust_repo", "force_reload", "verbose", "skip_validation"):
            kwargs.pop(key, None)
        return by_name[model](*args, **kwargs)

    models.get_model = get
    torch.hub.load = from_hub  # type: ignore[assignment]  # a stand-in


def _datasets(stage: Stage, view: View, images: int | None) -> None:
    import numpy as np
    from PIL import Image

    class Served(torchvision.datasets.VisionDataset):  # type: ignore[misc]  # untyped base
        """torchvision's dataset interface over the images that the grader brought."""

        grey = False

        def __init__(
            self,
            root: Any = "data",
            train: bool = True,
            transform: Any = None,
            target_transform: Any = None,
            download: bool = False,
            **others: Any,
        ) -> None:
            super().__init__(root, transform=transform, target_transform=target_transform)
            self.train = train if "split" not in others else others["split"] == "train"
            pictures, labels = view.photos("train" if self.train else "validation", images)
            self.data: Any = pictures
            if self.grey:
                self.data = torch.from_numpy(pictures.mean(-1).astype(np.uint8))
            self.targets: Any = [int(label) for label in labels]
            self.classes = list(view.classes)
            self.class_to_idx = {name: index for index, name in enumerate(self.classes)}
            if not self.train:
                stage.test_transform = transform

        def __len__(self) -> int:
            return len(self.targets)

        def __getitem__(self, index: int) -> tuple[Any, Any]:
            picture = self.data[index]
            image: Any = Image.fromarray(picture.numpy() if self.grey else picture)
            target: Any = self.targets[index]
            if self.transform is not None:
                image = self.transform(image)
            if self.target_transform is not None:
                target = self.target_transform(target)
            return image, target

    for name in (*_PHOTOS, *_GREY):
        served = type(name, (Served,), {"grey": name in _GREY, "__doc__": Served.__doc__})
        setattr(torchvision.datasets, name, served)
        for module in ("cifar", "mnist", "svhn", "stl10"):
            holder = getattr(torchvision.datasets, module, None)
            if holder is not None and hasattr(holder, name):
                setattr(holder, name, served)


def _splits(stage: Stage) -> None:
    """Splits that are written for the real datasets' sizes, scaled to what is served."""
    data = torch.utils.data
    split, subset_init = data.random_split, data.Subset.__init__

    def random_split(dataset: Any, lengths: Any, *args: Any, **kwargs: Any) -> Any:
        lengths, total = list(lengths), sum(lengths)
        if all(isinstance(n, int) for n in lengths) and total > len(dataset):
            stage.note(f"a split of {total} images was scaled to the {len(dataset)} that there are")
            lengths = [n * len(dataset) // total for n in lengths]
            lengths[0] += len(dataset) - sum(lengths)
        return split(dataset, lengths, *args, **kwargs)

    def init(self: Any, dataset: Any, indices: Any) -> None:
        chosen = [int(index) for index in indices]
        top = max(chosen, default=0)
        if top >= len(dataset) and isinstance(dataset, torchvision.datasets.VisionDataset):
            real = max(REAL_SIZE if getattr(dataset, "train", True) else REAL_TEST_SIZE, top + 1)
            stage.note(f"a subset of {real} images was scaled to the {len(dataset)} that there are")
            chosen = sorted({index * len(dataset) // real for index in chosen})
        subset_init(self, dataset, chosen)

    data.random_split = random_split
    data.dataset.random_split = random_split
    data.Subset.__init__ = init  # type: ignore[method-assign]  # a stand-in


class _IPython:
    """Enough of IPython for `get_ipython().run_line_magic(...)` to do nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


def _notebook_names() -> None:
    shell = _IPython()
    builtins.get_ipython = lambda: shell  # type: ignore[attr-defined]  # IPython's own way
    builtins.display = print  # type: ignore[attr-defined]  # likewise
