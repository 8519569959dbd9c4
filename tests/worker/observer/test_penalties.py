"""Weight decay that is added to the loss by hand is seen; the network itself is no penalty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from grader.worker.observer import penalties
from grader.worker.observer.penalties import Penalties

CONV, HEAD = nn.Conv2d(3, 4, 1), nn.Linear(4, 2)
NETWORK = nn.Sequential(CONV, nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), HEAD)
WEIGHTS = [CONV.weight, HEAD.weight]
Penalty = Callable[[Sequence[torch.Tensor]], Any]


def penalised(loss: torch.Tensor) -> set[str]:
    names = {id(parameter): name for name, parameter in NETWORK.named_parameters()}
    return {names[id(leaf)] for leaf in penalties._leaves([loss.grad_fn])}


def cross_entropy() -> torch.Tensor:
    return F.cross_entropy(NETWORK(torch.ones(3, 3, 1, 1)), torch.tensor([0, 1, 0]))


FORMS: dict[str, Penalty] = {
    "squares": lambda some: sum(p.pow(2).sum() for p in some),
    "powers": lambda some: 0.5 * sum((p**2).sum() for p in some),
    "products": lambda some: sum(torch.sum(p * p) for p in some),
    "norms": lambda some: sum(torch.norm(p) ** 2 for p in some),
    "a method": lambda some: sum(p.norm(2) for p in some),
    "one vector": lambda some: torch.cat([p.view(-1) for p in some]).pow(2).mean(),
    "a stack": lambda some: torch.stack([torch.linalg.vector_norm(p) for p in some]).sum(),
    "absolute values": lambda some: sum(p.abs().sum() for p in some),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_penalty_in_any_form_is_seen(form: str) -> None:
    loss = cross_entropy() + 1e-3 * FORMS[form](WEIGHTS)
    assert penalised(loss) == {"0.weight", "4.weight"}
    assert penalised(2.0 * (loss / 3).mean()) == {"0.weight", "4.weight"}   # scaled, accumulated


def test_a_loss_without_a_penalty_has_none() -> None:
    assert penalised(cross_entropy()) == set()
    logits = NETWORK(torch.ones(3, 3, 1, 1))
    assert penalised(-(logits.log_softmax(1)[:, 0] * 0.9).mean() + logits.pow(2).mean()) == set()
    assert penalised(NETWORK[:2](torch.ones(3, 3, 1, 1)).sum()) == set()   # ends in a batch norm
    weight = CONV.weight
    standard = (weight - weight.mean()) / weight.std()   # weights that forward() changes
    assert penalised(F.conv2d(torch.ones(3, 3, 1, 1), standard).sum()) == set()


def test_backward_notes_the_penalty_and_computes_the_same_gradients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.autograd, "backward", torch.autograd.backward)
    seen: list[torch.Tensor] = []
    Penalties(seen.extend).install()
    NETWORK.zero_grad()
    (cross_entropy() + WEIGHTS[0].pow(2).sum()).backward()  # type: ignore[no-untyped-call]  # torch's
    assert [id(leaf) for leaf in seen] == [id(WEIGHTS[0])]
    NETWORK.zero_grad()
    WEIGHTS[1].pow(2).sum().backward()  # type: ignore[no-untyped-call]
    assert len(seen) == 2
    assert WEIGHTS[1].grad is not None and torch.equal(WEIGHTS[1].grad, 2 * WEIGHTS[1])
