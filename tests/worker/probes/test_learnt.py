"""The network is put back to its first weights, and predicts the validation images with them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from grader.worker.dataset_view import View
from grader.worker.observer.beginning import weights_of
from grader.worker.probes.candidates import Candidate
from grader.worker.probes.learnt import learnt
from tests.worker.probes import test_candidates as builders

view = builders.view   # the fixture


def trained_from(first: nn.Module, last: nn.Module) -> Candidate:
    """A network that had the weights of `first` before its first step and has those of `last`."""
    found = builders.candidate(last)
    found.observed.beginning.begin(first, ())
    return found


def at_start(candidate: Candidate, view: View) -> Any:
    return learnt(candidate, view)["at_start"]


def test_a_network_that_knew_it_all_is_told_from_one_that_learnt(view: View) -> None:
    weak, strong = builders.seeing(0.3), builders.seeing(1.0)
    assert at_start(trained_from(weak, strong), view) == {"images": 30, "correct": 10, "most": 10}
    assert at_start(trained_from(strong, weak), view)["correct"] == 30


def test_answers_that_are_no_weights_are_there_from_the_start(view: View) -> None:
    class Table(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = builders.seeing(1.0)[2].requires_grad_(False), nn.Linear(1, 1)
            self.scale = self.table[1]

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            known: torch.Tensor = self.table[0](images.mean((2, 3)))
            return known + 0 * self.scale.weight.sum()

    table = Table()
    found = learnt(trained_from(copy.deepcopy(table), table), view)
    assert found["at_start"]["correct"] == 30 and found["moved"] == 0


def test_the_network_is_left_as_it_was(view: View) -> None:
    last = nn.Sequential(nn.BatchNorm2d(3), *builders.seeing(1.0))
    last.train()[0].eval()
    before = copy.deepcopy(last.state_dict())
    torch.manual_seed(3)
    first = torch.get_rng_state()
    learnt(trained_from(copy.deepcopy(last), last), view)
    assert all(torch.equal(last.state_dict()[name], before[name]) for name in before)
    assert (last.training, last[0].training) == (True, False)
    assert torch.equal(torch.get_rng_state(), first)


def test_weights_without_running_statistics_are_tried_with_those_of_the_batch(view: View) -> None:
    last = nn.Sequential(nn.BatchNorm2d(3), *builders.seeing(1.0))
    first = copy.deepcopy(last)
    first[0].running_mean = torch.tensor([500.0, 0.0, 0.0])   # evaluation mode sees no red
    assert at_start(trained_from(first, last), view)["correct"] == 30


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_copy_of_the_trained_network_is_like_it(view: View, wrapped: bool) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 3))
    other = copy.deepcopy(network)
    with torch.no_grad():
        next(other.parameters()).add_(0.01)
    state = nn.ModuleDict({"module": other}) if wrapped else other
    found = builders.candidate(network)
    found = Candidate(found.observed, state, found.prepared)
    assert learnt(found, view)["likeness"] > 0.9


def test_a_network_that_was_not_trained_is_not_like_the_trained_one(view: View) -> None:
    torch.manual_seed(0)
    found = builders.candidate(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)))
    other = nn.Sequential(nn.Flatten(), nn.Linear(192, 3))
    assert abs(learnt(Candidate(found.observed, other, found.prepared), view)["likeness"]) < 0.2


def test_a_network_that_cannot_be_put_back_says_nothing(view: View) -> None:
    class Fussy(nn.Linear):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise ValueError

    one = Fussy(3, 3)
    assert at_start(trained_from(one, one), view) is None
    assert at_start(trained_from(nn.Linear(5, 5), nn.Conv2d(3, 3, 1)), view) is None
    assert weights_of(one)
