"""Batch norms that ignore eval mode are found, and no other layers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from grader.worker.probes.eval_mode import norms_ignoring_eval


class IgnoresEval(nn.BatchNorm2d):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return F.batch_norm(images, None, None, self.weight, self.bias, True)


class OwnNorm(nn.Module):
    """Normalizes by the batch in every mode, which is right for a layer of one's own."""

    def forward(self, images: torch.Tensor) -> Any:
        return (images - images.mean()) / images.std()


class Dropped(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return F.dropout(images, 0.5)


def network(*norms: nn.Module) -> nn.Sequential:
    """A network with running statistics that differ from the initial ones."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for norm in norms:
        layers += [nn.Conv2d(3, 3, 3, padding=1), norm, nn.ReLU()]
    model = nn.Sequential(*layers)
    for _ in range(20):
        model(torch.randn(16, 3, 8, 8) * 3 + 1)
    return model


def images(kind: torch.dtype = torch.float32) -> torch.Tensor:
    torch.manual_seed(1)
    return (torch.randn(8, 3, 8, 8) * torch.arange(1, 9).view(8, 1, 1, 1)).to(kind)


def test_a_norm_that_uses_its_batch_in_eval_mode_is_named() -> None:
    assert norms_ignoring_eval(network(nn.BatchNorm2d(3), IgnoresEval(3)), images()) == ["4"]


@pytest.mark.parametrize(
    "norm",
    [
        nn.BatchNorm2d(3),
        nn.BatchNorm2d(3, track_running_stats=False),
        nn.BatchNorm2d(3, momentum=None),
        nn.InstanceNorm2d(3),
        nn.GroupNorm(1, 3),
        OwnNorm(),
        Dropped(),
        nn.SyncBatchNorm(3).eval(),
    ],
    ids=lambda norm: type(norm).__name__,
)
def test_other_layers_are_not_named_whatever_their_output_depends_on(norm: nn.Module) -> None:
    if isinstance(norm, nn.SyncBatchNorm):
        model = nn.Sequential(nn.Conv2d(3, 3, 3), norm)   # trains on GPUs only
    else:
        model = network(nn.BatchNorm2d(3), norm, nn.BatchNorm2d(3))
    assert norms_ignoring_eval(model, images()) == []


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_rounding_is_no_difference(kind: torch.dtype) -> None:
    model = network(nn.BatchNorm2d(3), nn.BatchNorm2d(3)).to(kind)
    assert norms_ignoring_eval(model, images(kind)) == []
    ignoring = network(nn.BatchNorm2d(3), IgnoresEval(3)).to(kind)
    assert norms_ignoring_eval(ignoring, images(kind)) == ["4"]


def test_a_network_that_kept_a_norm_in_train_mode_shows_that_by_its_flag() -> None:
    class Kept(nn.Sequential):
        def train(self, mode: bool = True) -> Any:
            return super().train(True)

    assert norms_ignoring_eval(Kept(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)), images()) == []


def test_nothing_is_named_in_a_network_that_cannot_be_run() -> None:
    class Broken(nn.BatchNorm2d):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise RuntimeError

    model = network(nn.BatchNorm2d(3))
    model.append(Broken(3))
    assert norms_ignoring_eval(model, images()) == []


def test_nothing_is_named_in_a_network_that_diverged() -> None:
    model = network(nn.BatchNorm2d(3))
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    assert norms_ignoring_eval(model, images()) == []
