from __future__ import annotations

import pytest
import torch

from reference.param_groups import group_parameters
from reference.resnet import Block, ResNet18, build_model


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (32, 32), (64, 48)])
def test_images_of_any_size_from_8x8_up_give_logits(size: tuple[int, int]) -> None:
    assert ResNet18(num_classes=7, width=4)(torch.zeros(2, 3, *size)).shape == (2, 7)


def test_it_has_the_layers_of_a_resnet18() -> None:
    batch_norm, biases, rest = group_parameters(ResNet18(num_classes=10, width=64))
    assert [len(batch_norm), len(biases), len(rest)] == [40, 1, 21]
    # He et al.'s, less the stem's 7x7 kernel, and with ten classes.
    assert sum(parameter.numel() for parameter in rest) == 11_678_912 - 64 * 3 * 40 - 512 * 990


def test_each_stage_after_the_first_halves_the_image() -> None:
    model, sizes = ResNet18(width=4), []
    for stage in model.stages:
        stage.register_forward_hook(lambda *call: sizes.append(tuple(call[2].shape[1:])))
    model(torch.zeros(1, 3, 32, 32))
    assert sizes == [(4, 32, 32), (8, 16, 16), (16, 8, 8), (32, 4, 4)]


def test_a_block_begins_as_its_shortcut() -> None:
    model = ResNet18(width=4)
    blocks = [module for module in model.modules() if isinstance(module, Block)]
    images = torch.rand(2, 4, 8, 8)
    assert len(blocks) == 8
    assert torch.equal(blocks[0](images), images)


def test_the_width_fits_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    model = build_model(5)
    assert model(torch.zeros(2, 3, 8, 8)).shape == (2, 5)
    assert next(model.parameters()).shape[0] == 16
