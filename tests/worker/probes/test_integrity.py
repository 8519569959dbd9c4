"""A replaced function of the worker is noticed, and ordinary work raises no alarm."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from grader.worker import networks
from grader.worker.networks import resnet
from grader.worker.observer.observer import Observer
from grader.worker.probes import PROBES, _checked
from grader.worker.probes.integrity import Snapshot, take_snapshot
from grader.worker.session import BadAnswer, Session

SPEC = {"layers": [1, 1, 1, 1], "width": 8, "num_classes": 10}


@pytest.fixture
def snapshot() -> Snapshot:
    return take_snapshot()


def another(*args: Any) -> None:
    pass


def test_ordinary_work_changes_nothing(snapshot: Snapshot) -> None:
    networks.describe(networks.build(SPEC))
    assert snapshot.first_change() is None


def test_a_function_that_is_replaced_is_named(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resnet, "build", another)
    assert snapshot.first_change() == "grader.worker.networks.resnet.build"


def test_a_method_that_is_replaced_is_named(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Observer, "_close", another)
    assert snapshot.first_change() == "grader.worker.observer.observer.Observer._close"


@pytest.mark.parametrize(
    ("part", "value"), [("__code__", another.__code__), ("__defaults__", (1,))]
)
def test_a_function_that_is_given_other_code_is_named(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, part: str, value: Any
) -> None:
    monkeypatch.setattr(networks.describe, part, value)
    assert snapshot.first_change() == "grader.worker.networks.describe"


def test_a_function_that_is_deleted_is_named(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(resnet, "describe")
    assert snapshot.first_change() == "grader.worker.networks.resnet.describe"


@pytest.mark.parametrize("raises", [False, True])
def test_an_answer_or_an_error_of_a_replaced_worker_is_a_bad_answer(
    monkeypatch: pytest.MonkeyPatch, raises: bool
) -> None:
    def probe(session: Any, args: Any, blobs: Any) -> Any:
        monkeypatch.setattr(networks, "build", another)
        if raises:
            raise TypeError("an apparent fault of the worker")
        return {}, ()

    session: Session = None  # type: ignore[assignment]  # the probe has no use for it
    with pytest.raises(BadAnswer, match="replaced while it ran: "):
        _checked(probe)(session, {}, ())


def test_the_loop_that_answers_is_in_the_snapshot() -> None:
    code = (
        "from grader.worker.process.supervisor import serve\n"
        "from grader.worker.probes import snapshot\n"
        "import sys\n"
        "sys.modules['grader.worker.process.answering']._answer = None\n"
        "print(snapshot.first_change())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "grader.worker.process.answering._answer"


def test_every_probe_is_checked() -> None:
    assert all(probe.__qualname__.startswith("_checked.") for probe in PROBES.values())
