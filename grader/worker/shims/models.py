"""Replaces torchvision's pretrained weights, and every ResNet by a hidden network."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import torch
import torchvision
from torch import nn
from torch.utils import model_zoo
from torchvision.models import _api

from grader.worker.networks import resnet as networks
from grader.worker.shims.downloads import no_network
from grader.worker.shims.log import ShimLog

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
_SEED = 0
_WEIGHTS_HOST = "download.pytorch.org"
_HUB_OPTIONS = ("source", "trust_repo", "force_reload", "verbose", "skip_validation")

Build = Callable[..., nn.Module]


def install(log: ShimLog, spec: Mapping[str, Any] | None) -> None:
    """Patch torchvision's builders and each way to ask for weights.

    With a `spec` every ResNet is the network of that spec. Pretrained weights are a random
    initialisation, which is the same each time.
    """
    weights = Weights(log, dict(_api.BUILTIN_MODELS))
    _api.WeightsEnum.get_state_dict = lambda wanted, *args, **kwargs: weights.of_enum(wanted)
    torch.hub.load_state_dict_from_url = weights.of_url
    model_zoo.load_url = weights.of_url  # type: ignore[attr-defined]  # torch exports it so
    for name in RESNETS:
        _resnet(name, spec, weights)
    _hub()


class Weights:
    """Gives a random initialisation of a network instead of a file with its weights."""

    def __init__(self, log: ShimLog, builders: Mapping[str, Build]) -> None:
        self._log, self._builders = log, builders

    def of_enum(self, wanted: Any) -> dict[str, Any]:
        """State dict for a member of a `WeightsEnum`."""
        name = next(
            name for name, build in self._builders.items()
            if torchvision.models.get_model_weights(build) is type(wanted)
        )
        self.note(name)
        return _initial_state(self._builders[name], wanted.meta)

    def of_url(self, url: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """State dict for a file such as resnet18-f37072fd.pth. Raises URLError for other files."""
        parts = urlsplit(url)
        name = PurePosixPath(parts.path).name.partition("-")[0]
        if parts.hostname != _WEIGHTS_HOST or name not in self._builders:
            raise no_network(url)
        return self.of_enum(next(iter(torchvision.models.get_model_weights(name))))

    def note(self, name: str) -> None:
        self._log.note(
            f"{name} was requested with pretrained weights, which need a download; it got a random "
            "initialisation instead, the same each time"
        )

    def record(self, network: nn.Module) -> nn.Module:
        """Add a network to the log and return it."""
        self._log.built.append(network)
        return network


def _initial_state(build: Build, meta: Mapping[str, Any]) -> dict[str, Any]:
    """State dict of a new network of the size that weights with this `meta` are for.

    The process's own random numbers are left alone.
    """
    parts = {"weights": None, "weights_backbone": None, "aux_loss": True}
    parameters = inspect.signature(build).parameters
    options: dict[str, Any] = {name: parts[name] for name in parts if name in parameters}
    if meta.get("categories"):
        options["num_classes"] = len(meta["categories"])
    if build.__name__.startswith("vit_"):   # position embeddings are for one size of images
        options["image_size"] = meta["min_size"][0]
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")   # some builders warn that they are slow
        torch.default_generator.manual_seed(_SEED)
        return build(**options).state_dict()


def _resnet(name: str, spec: Mapping[str, Any] | None, weights: Weights) -> None:
    original = getattr(torchvision.models, name)

    @functools.wraps(original)
    def build(*args: Any, **kwargs: Any) -> nn.Module:
        if spec is None:
            return weights.record(original(*args, **kwargs))
        if args[:1] == (True,) or kwargs.get("weights") or kwargs.get("pretrained"):
            weights.note(name)
        return weights.record(networks.build(spec))

    setattr(torchvision.models, name, build)
    setattr(torchvision.models.resnet, name, build)
    _api.BUILTIN_MODELS[name] = build


def _hub() -> None:
    hub: Any = torch.hub
    load = hub.load

    def from_hub(repository: str, model: str, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("source") == "local":
            return load(repository, model, *args, **kwargs)
        if not repository.startswith("pytorch/vision") or model not in _api.BUILTIN_MODELS:
            raise no_network(f"torch.hub.load({repository!r}, {model!r})")
        options = {key: value for key, value in kwargs.items() if key not in _HUB_OPTIONS}
        return _api.BUILTIN_MODELS[model](*args, **options)

    hub.load = from_hub
