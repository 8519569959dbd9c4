"""torchvision's networks: the hidden one in place of a ResNet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torchvision

from grader.worker import networks
from grader.worker.stand_ins.stage import Stage

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")


def install(stage: Stage, spec: Mapping[str, Any] | None) -> None:
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
