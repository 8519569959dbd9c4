"""Tests of `causal_attention` and of the script. Students read each test's docstring."""

import numpy as np
import pytest

from grader.checks.custom.api import tensor


def formula(queries, keys, values):
    """The formula, position by position."""
    result = np.empty_like(values)
    for at in range(queries.shape[-2]):
        scores = np.einsum("bhd,bhtd->bht", queries[:, :, at], keys[:, :, : at + 1])
        scores = scores / np.sqrt(queries.shape[-1])
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        result[:, :, at] = np.einsum("bht,bhtd->bhd", weights, values[:, :, : at + 1])
    return result


def drawn(*shape):
    random = np.random.default_rng(sum(shape))
    return [random.standard_normal(shape).astype(np.float32) for _ in range(3)]


def attention(student, queries, keys, values):
    found = student.call("causal_attention", tensor(queries), tensor(keys), tensor(values))
    assert found.shape == values.shape, f"the shape is {found.shape}, not {values.shape}"
    return found


@pytest.mark.points(2)
def test_formula(student):
    """The result is softmax(Q K^T / sqrt(d)) V, and no position attends to a later one."""
    for shape in ((1, 1, 4, 8), (2, 3, 6, 5)):
        found, wanted = attention(student, *drawn(*shape)), formula(*drawn(*shape))
        assert found == pytest.approx(wanted, abs=1e-4), f"not the formula's numbers, for {shape}"


@pytest.mark.points(2)
def test_first_position(student):
    """The first position attends to itself only, so its result is its own value."""
    queries, keys, values = drawn(2, 2, 5, 4)
    found = attention(student, queries, keys, values)
    assert found[:, :, 0] == pytest.approx(values[:, :, 0], abs=1e-4), (
        "the first position attends to later ones"
    )


@pytest.mark.points(1)
def test_weights_add_up(student):
    """The weights of each position add up to one: the mean of ones is one."""
    queries, keys, values = drawn(2, 2, 5, 4)
    found = attention(student, queries, keys, np.ones_like(values))
    assert found == pytest.approx(np.ones_like(values), abs=1e-4), "check the axis of the softmax"


@pytest.mark.points(1)
def test_one_position(student):
    """A sequence of one token works, too."""
    queries, keys, values = drawn(1, 2, 1, 4)
    assert attention(student, queries, keys, values) == pytest.approx(values, abs=1e-4)


@pytest.mark.points(1)
@pytest.mark.hidden
def test_large_scores(student):
    """Scores in the thousands do not give NaN."""
    queries, keys, values = drawn(1, 1, 6, 4)
    found = attention(student, 1000 * queries, 1000 * keys, values)
    assert np.isfinite(found).all(), "subtract the largest score before the exponential"


@pytest.mark.points(1)
def test_script(student):
    """Run as a script, the file trains and prints the loss of each epoch, which falls."""
    ran = student.within(60).run()
    assert ran.exit_code == 0, f"it ended with exit code {ran.exit_code}"
    losses = [
        float(line.rpartition(" ")[2]) for line in ran.printed.splitlines() if "loss" in line
    ]
    assert len(losses) > 1, "no lines such as 'epoch 1: loss 2.303'"
    assert losses[-1] < losses[0], f"the loss goes from {losses[0]} to {losses[-1]}"
