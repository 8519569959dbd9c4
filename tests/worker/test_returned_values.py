"""Return values of student code are validated before use: no odd value breaks the worker."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from grader.worker.probes.layers import _described
from grader.worker.probes.outputs import as_rows, put_together
from grader.worker.probes.report import reported_accuracy
from grader.worker.session import BadAnswer
from grader.worker.values.counts import as_count


@pytest.mark.parametrize(
    "value", [7, 7.0, np.int64(7), np.array(7), torch.tensor(7), torch.tensor([7])]
)
def test_a_whole_number_counts_whoever_holds_it(value: Any) -> None:
    assert as_count(value) == 7


@pytest.mark.parametrize(
    "value",
    [
        True, -1, 2**63, 7.5, float("nan"), float("inf"), 7 + 0j, "7", None, np.bool_(True),
        np.array([7, 7]), torch.tensor(True), torch.tensor(7.5),
        torch.tensor(7 + 0j), torch.tensor([7, 7]), torch.tensor(-1),
        torch.empty((), dtype=torch.int64, device="meta"),
    ],
    ids=repr,
)
def test_what_is_no_whole_number_is_no_count(value: Any) -> None:
    assert as_count(value) is None


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ({"conv1": 9, "fc": float("nan")}, "dict, in which 'fc' has float nan"),
        ({"conv1": -4}, "dict, in which 'conv1' has int -4"),
        ({"conv1": 10**5000}, "dict, in which 'conv1' has int, too large"),
        ({3: True}, "dict, in which a key of type int has bool"),
        ({}, "dict of 0 entries"),
        ([1.5], "list"),
    ],
)
def test_the_entry_that_is_no_count_is_named(returned: Any, expected: str) -> None:
    assert _described(returned) == expected


LOGITS = torch.randn(4, 3)


@pytest.mark.parametrize("output", [LOGITS, LOGITS.double(), (LOGITS, None), [LOGITS]], ids=str)
def test_logits_are_rows_of_float32(output: Any) -> None:
    rows = as_rows(output, 4)
    assert rows.dtype == np.float32 and np.array_equal(rows, LOGITS.numpy())


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (None, "is NoneType; a tensor was expected"),
        ([], "is list"),
        (LOGITS.tolist(), "is list"),
        (LOGITS[:, 0], r"has shape \(4,\); \(4, classes\)"),
        (LOGITS[:2], r"has shape \(2, 3\)"),
        (LOGITS[None], r"has shape \(1, 4, 3\)"),
        (LOGITS.to(torch.complex64), "complex64"),
        (LOGITS.to_sparse(), "sparse"),
        (LOGITS.to("meta"), "on meta"),
        (LOGITS[:, :1].expand(-1, 10 * 2**30), "has 10,737,418,240 columns"),
    ],
)
def test_an_output_that_is_no_logits_is_a_bad_answer(output: Any, told: str) -> None:
    with pytest.raises(BadAnswer, match=told):
        as_rows(output, 4)


def test_batches_of_different_widths_are_a_bad_answer() -> None:
    with pytest.raises(BadAnswer, match=r"\[2, 3\] columns"):
        put_together([as_rows(LOGITS, 4), as_rows(LOGITS[:, :2], 4)])


def test_a_report_that_holds_itself_or_no_number_is_none() -> None:
    itself: list[Any] = []
    itself.append(itself)
    assert reported_accuracy(itself) is None
    assert reported_accuracy({"val_acc": torch.ones(3), "acc": torch.tensor(1j)}) is None
    assert reported_accuracy([[{"val_acc": 0.5}]]) == 0.5
