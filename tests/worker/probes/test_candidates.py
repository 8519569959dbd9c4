"""The best of the trained networks predicts, in the best of its states."""

from __future__ import annotations

import copy
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from grader.worker.dataset_view import View
from grader.worker.events.phases import Phase
from grader.worker.observer.checkpoints import SavedCheckpoints
from grader.worker.observer.networks import ObservedNetwork
from grader.worker.probes.candidates import Candidate, best, substantially_trained
from grader.worker.probes.preprocessing import Prepared

PREPARED = Prepared(
    lambda images: torch.from_numpy(np.array(images)).float().permute(0, 3, 1, 2), "function", True
)


@pytest.fixture
def view(tmp_path: Path) -> View:
    """Images whose label is the brightest of their channels."""
    images = np.zeros((30, 8, 8, 3), dtype=np.uint8)
    labels = np.arange(30) % 3
    images[np.arange(30), :, :, labels] = 200
    for split in ("train", "validation"):
        np.save(tmp_path / f"{split}_images.npy", images)
        np.save(tmp_path / f"{split}_labels.npy", labels)
    return View(tmp_path, ("red", "green", "blue"))


def seeing(share: float) -> nn.Sequential:
    """A network that is right for about that share: it takes the other channels for the first."""
    last = nn.Linear(3, 3)
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), last)
    scale = torch.tensor([1.0, 1.0 if share > 0.5 else -1.0, 1.0 if share > 0.9 else -1.0])
    with torch.no_grad():
        last.weight.copy_(torch.diag(scale))
        last.bias.copy_(torch.tensor([0.1, 0.0, 0.0]))
    return network


def observed(network: nn.Module, steps: int = 10) -> ObservedNetwork:
    found = ObservedNetwork(network, frozenset(map(id, network.parameters())), lambda one: None)
    found.told.steps = steps
    return found


def candidate(network: nn.Module) -> Candidate:
    return Candidate(observed(network), network, PREPARED)


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SavedCheckpoints:
    monkeypatch.setattr(torch, "save", torch.save)
    monkeypatch.chdir(tmp_path)
    found = SavedCheckpoints()
    found.install()
    return found


def test_networks_with_fewer_than_a_quarter_of_the_most_steps_are_left_out() -> None:
    networks = [observed(seeing(1), steps) for steps in (100, 25, 24)]
    assert substantially_trained(networks) == networks[:2]


def test_of_several_networks_the_best_one_predicts(saved: SavedCheckpoints, view: View) -> None:
    weak, strong = candidate(seeing(0.3)), candidate(seeing(1.0))
    found = best([weak, strong], [], saved, view)
    assert found.network is strong.network
    assert (found.name, found.accuracy) == ("", 1.0)


def test_of_two_that_are_equally_good_the_one_that_was_evaluated_predicts(
    saved: SavedCheckpoints, view: View
) -> None:
    first, second = candidate(seeing(1.0)), candidate(seeing(1.0))
    second.observed.phases.append(Phase("evaluate", 10))
    assert best([first, second], [], saved, view).network is second.network


@pytest.mark.parametrize(
    "held",
    [
        lambda network: network.state_dict(),
        lambda network: network,
        lambda network: {"epoch": 3, "model_state_dict": network.state_dict(), "acc": 0.9},
        lambda network: {f"module.{k}": v for k, v in network.state_dict().items()},
        lambda network: OrderedDict(best=network),
    ],
    ids=["state", "module", "beside other things", "of DataParallel", "in a dictionary"],
)
def test_a_better_checkpoint_predicts(saved: SavedCheckpoints, view: View, held: Any) -> None:
    last = seeing(0.3)
    torch.save(held(seeing(1.0)), "best.pth")
    found = best([candidate(last)], [], saved, view)
    assert (found.name, found.accuracy) == ("best.pth", 1.0)
    assert found.network is not last


def test_a_checkpoint_that_is_no_better_leaves_the_network_as_it_is(
    saved: SavedCheckpoints, view: View
) -> None:
    network = seeing(1.0)
    torch.save(network.state_dict(), "last.pth")
    assert best([candidate(network)], [], saved, view).network is network


def test_a_file_without_a_state_of_the_network_is_skipped(
    saved: SavedCheckpoints, view: View
) -> None:
    network = seeing(0.3)
    torch.save({"losses": [1.0], "other": nn.Linear(2, 2)}, "log.pt")
    torch.save(seeing(1.0).state_dict(), "gone.pt")
    Path("gone.pt").unlink()
    torch.save([1, 2], Path("list.pt"))
    assert best([candidate(network)], [], saved, view).network is network


def test_a_network_without_a_rival_is_not_run(saved: SavedCheckpoints, view: View) -> None:
    class NeverRun(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise AssertionError

    network = NeverRun()
    assert best([candidate(network)], [], saved, view).network is network


def test_a_better_copy_that_was_evaluated_predicts(saved: SavedCheckpoints, view: View) -> None:
    average = seeing(1.0)
    copies = [observed(average), observed(nn.Linear(2, 2))]
    found = best([candidate(seeing(0.3))], copies, saved, view)
    assert found.network is average


def test_a_state_loaded_into_a_wrapper_leaves_the_wrapped_network_alone(
    saved: SavedCheckpoints, view: View
) -> None:
    last = seeing(0.3)
    before = copy.deepcopy(last.state_dict())
    torch.save(seeing(1.0).state_dict(), "best.pth")
    found = best([candidate(nn.DataParallel(last))], [], saved, view)
    assert found.accuracy == 1.0
    assert all(torch.equal(one, before[name]) for name, one in last.state_dict().items())


def test_crops_of_an_image_are_asked_together_and_their_mean_counts() -> None:
    crops = Prepared(lambda images: torch.randn(len(images), 5, 3, 8, 8), "dataset", False)
    network = seeing(1.0)
    torch.manual_seed(0)
    expected = torch.randn(4, 5, 3, 8, 8)
    torch.manual_seed(0)
    images = np.zeros((4, 8, 8, 3), dtype=np.uint8)
    rows = Candidate(observed(network), network, crops).predict(images)
    wanted = network(expected.flatten(0, 1)).reshape(4, 5, 3).mean(1)
    assert np.allclose(rows, wanted.detach().numpy(), atol=1e-5)
