"""The seal on the worker's own code: a replaced function is seen, and ordinary work is not."""

from __future__ import annotations

from typing import Any

import pytest

from grader.worker.networks import resnet as networks
from grader.worker.observer.observer import Observer
from grader.worker.probes import PROBES, _sealed
from grader.worker.probes import integrity as seal
from grader.worker.session import BadAnswer, Session

SPEC = {"layers": [1, 1, 1, 1], "width": 8, "num_classes": 10}


@pytest.fixture
def taken() -> seal.IntegrityCheck:
    return seal.seal()


def another(*args: Any) -> None:
    pass


def test_ordinary_work_breaks_nothing(taken: seal.IntegrityCheck) -> None:
    networks.describe(networks.build(SPEC))
    assert taken.broken() is None


def test_a_function_that_is_replaced_is_named(
    taken: seal.IntegrityCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "build", another)
    assert taken.broken() == "grader.worker.networks.resnet.build"


def test_a_method_that_is_replaced_is_named(
    taken: seal.IntegrityCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Observer, "_close", another)
    assert taken.broken() == "grader.worker.observer.observer.Observer._close"


@pytest.mark.parametrize(
    ("part", "value"), [("__code__", another.__code__), ("__defaults__", (1,))]
)
def test_a_function_that_is_given_other_code_is_named(
    taken: seal.IntegrityCheck, monkeypatch: pytest.MonkeyPatch, part: str, value: Any
) -> None:
    monkeypatch.setattr(networks.describe, part, value)
    assert taken.broken() == "grader.worker.networks.resnet.describe"


def test_what_is_deleted_is_named(
    taken: seal.IntegrityCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(networks, "describe")
    assert taken.broken() == "grader.worker.networks.resnet.describe"


@pytest.mark.parametrize("raises", [False, True])
def test_an_answer_or_an_error_of_a_replaced_worker_is_a_bad_answer(
    monkeypatch: pytest.MonkeyPatch, raises: bool
) -> None:
    def probe(session: Any, args: Any, blobs: Any) -> Any:
        monkeypatch.setattr(networks, "build", another)
        if raises:
            raise TypeError("a fault of the worker's, it seems")
        return {}, ()

    session: Session = None  # type: ignore[assignment]  # the probe has no use for it
    with pytest.raises(BadAnswer, match="replaced while it ran: "):
        _sealed(probe)(session, {}, ())


def test_every_probe_is_sealed() -> None:
    assert all(probe.__qualname__.startswith("_sealed.") for probe in PROBES.values())
