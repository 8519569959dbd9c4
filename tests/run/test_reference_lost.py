"""The reference that could not be asked, for the harness's sake, ends no class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grader.errors import SandboxError
from grader.records import Grade
from grader.run import tries
from grader.run.setup import set_up
from grader.sandbox.base import Job
from grader.sandbox.process import ProcessSandbox, ProcessWorker
from grader.submissions.discover import hand_in
from tests.factories import grade_class, shipped_rubric

ROOT = Path(__file__).parent.parent.parent


class Down(ProcessSandbox):
    """Starts no worker for the reference, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str] = ()) -> Iterator[ProcessWorker]:
        if job.name == "reference" and self.times:
            self.times -= 1
            raise SandboxError("the engine does not answer")
        with super().start(job, gpus) as worker:
            yield worker


def graded(tmp_path: Path, times: int) -> Grade:
    setup = set_up(
        shipped_rubric(), ["layer-counts"], Down(times), tmp_path, tmp_path / "cache", seed=1
    )
    own = hand_in(ROOT / "submissions" / "right-folder")
    (grade,) = grade_class(setup, [own]).values()
    return grade


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "PAUSES", (0.0, 0.0))


ROUND = 3   # times that a question which was lost is put, in a round over the class


def test_it_is_asked_again_after_all_the_others(tmp_path: Path) -> None:
    assert graded(tmp_path, times=ROUND).state == "graded"


def test_nobody_gets_a_zero_while_it_cannot_be_asked(tmp_path: Path) -> None:
    found = graded(tmp_path, times=100)
    (row,) = [one for one in found.criteria if one.verdict.criterion == "layer-counts"]
    assert row.points is None and row.verdict.status == "not_scored"
    assert "the engine does not answer" in row.verdict.reason
