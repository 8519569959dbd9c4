"""Pretrained networks get the same random initialisation each time, without a download."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.shimmed_script import run

ASKED = [
    "models.resnet18(pretrained=True)",
    "models.resnet18(True)",
    "models.resnet18(weights='DEFAULT')",
    "models.resnet18(weights=models.ResNet18_Weights.IMAGENET1K_V1)",
    "models.resnet.resnet18(weights='ResNet18_Weights.IMAGENET1K_V1')",
    "models.get_model('resnet18', weights='DEFAULT')",
    "torch.hub.load('pytorch/vision:v0.10.0', 'resnet18', pretrained=True, trust_repo=True)",
    "loaded(models.resnet18(), models.get_weight('ResNet18_Weights.DEFAULT').get_state_dict())",
    "loaded(models.resnet18(), torch.hub.load_state_dict_from_url("
    "'https://download.pytorch.org/models/resnet18-5c106cde.pth', progress=False))",
    "loaded(models.resnet18(), torch.utils.model_zoo.load_url("
    "'https://download.pytorch.org/models/resnet18-5c106cde.pth'))",
]
LOADED = """
        import random, warnings, numpy, torch
        from torchvision import models
        warnings.simplefilter("ignore")   # torchvision's own, on pretrained=True

        def loaded(network, state):
            network.load_state_dict(state)
            return network
"""


@pytest.mark.parametrize("asked", ASKED)
def test_each_way_to_ask_gives_the_same_weights(tmp_path: Path, asked: str) -> None:
    code = f"""
        {LOADED}
        torch.manual_seed(1)
        first = {asked}
        torch.manual_seed(2)
        second, usual = models.resnet18(weights='DEFAULT'), models.resnet18()
        for name, weights in first.state_dict().items():
            assert torch.equal(weights, second.state_dict()[name]), name
        assert not torch.equal(first.conv1.weight, usual.conv1.weight)
        assert first.fc.out_features == 1000 and first.conv1.weight.std() > 0
        assert first in log.built and len(log.built) == 3
    """
    (note,) = run(tmp_path, code, view=False).notes
    assert "resnet18" in note
    assert "need a download" in note


@pytest.mark.parametrize(
    "asked",
    [
        "models.mobilenet_v2(pretrained=True)",
        "models.vgg.vgg11(weights=models.VGG11_Weights.DEFAULT).features",
        "models.squeezenet1_0(weights='DEFAULT')",
        "models.googlenet(weights='DEFAULT')",
        "models.segmentation.fcn_resnet50(weights=None)",
        "models.segmentation.lraspp_mobilenet_v3_large(weights='DEFAULT')",
        "models.detection.ssdlite320_mobilenet_v3_large(weights_backbone='DEFAULT')",
    ],
)
def test_any_network_of_torchvision_may_be_asked_for(tmp_path: Path, asked: str) -> None:
    code = f"""
        {LOADED}
        one, other = {asked}, {asked}
        pairs = zip(one.state_dict().values(), other.state_dict().values())
        backbone = "backbone" in "".join(one.state_dict())
        assert all(torch.equal(a, b) for a, b in list(pairs)[:6 if backbone else None])
        assert not log.built
    """
    assert len(run(tmp_path, code, view=False).notes) == 1


def test_the_scripts_own_random_numbers_do_not_change(tmp_path: Path) -> None:
    code = f"""
        {LOADED}
        torch.manual_seed(3)
        models.resnet18()
        after = torch.rand(3)
        torch.manual_seed(3)
        models.resnet18(weights="DEFAULT")
        assert torch.equal(torch.rand(3), after)
        torch.manual_seed(3)
        models.ResNet18_Weights.DEFAULT.get_state_dict(progress=True)
        state = torch.get_rng_state()
        torch.manual_seed(3)
        assert torch.equal(torch.get_rng_state(), state)
    """
    run(tmp_path, code, view=False)


def test_without_weights_nothing_is_noted(tmp_path: Path) -> None:
    code = f"""
        {LOADED}
        network = models.resnet18(num_classes=10)
        assert log.built == [network] and network.fc.out_features == 10
        assert models.get_model("resnet50", weights=None) is log.built[1]
        assert models.get_model_weights("resnet18") is models.ResNet18_Weights
        models.vgg11(num_classes=10)
    """
    assert run(tmp_path, code, view=False).notes == []


def test_the_hidden_network_replaces_every_resnet_and_no_other_network(tmp_path: Path) -> None:
    code = f"""
        {LOADED}
        for asked in (lambda: models.resnet50(weights="DEFAULT"), lambda: models.resnet18(True),
                      lambda: models.get_model("resnet34"),
                      lambda: torch.hub.load("pytorch/vision", "resnet101", pretrained=True)):
            assert asked().fc.out_features == 7
        assert len(log.built) == 4
        assert models.squeezenet1_0().num_classes == 1000
    """
    spec = {"layers": [1, 1, 1, 1], "width": 8, "num_classes": 7}
    assert len(run(tmp_path, code, view=False, network=spec).notes) == 3


@pytest.mark.parametrize(
    "asked",
    [
        "torch.hub.load_state_dict_from_url('https://example.org/cifar10/resnet18-0a1b.pth')",
        "torch.utils.model_zoo.load_url('https://download.pytorch.org/models/other-0a1b.pth')",
        "torch.hub.load('someone/models', 'cifar10_resnet20', pretrained=True)",
    ],
)
def test_unknown_weights_raise_an_error_that_gives_the_reason(tmp_path: Path, asked: str) -> None:
    code = f"""
        import torch, urllib.error
        try:
            {asked}
        except urllib.error.URLError as error:
            print(error)
    """
    assert "there is no network here" in run(tmp_path, code, view=False).out
