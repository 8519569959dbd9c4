"""Training again near a threshold, the whole way: a student whose accuracy is a matter of luck."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from grader.errors import SandboxError
from grader.records import Grade, Verdict
from grader.rubric.model import Again, DataSpec, Hidden, Profile, Rubric, Threshold
from grader.run import tries
from grader.run.cache.evidence import EvidenceCache
from grader.run.cache.file import open_cache
from grader.run.cache.recall import Recall
from grader.run.provenance.fingerprints import fingerprints
from grader.run.schedule import Slots
from grader.run.setup import set_up
from grader.sandbox.base import Job, Worker
from grader.sandbox.process import ProcessSandbox
from grader.submissions.discover import HandIn, hand_in
from tests.factories import grade_file, shipped_rubric

ROOT = Path(__file__).parent.parent.parent
PROFILE = Profile(
    data=DataSpec(validation=100, hidden=Hidden(held_out=200), limit_train=400),
    epochs=10,
    seconds=120,
    thresholds=(Threshold(accuracy=0.8, share=1.0), Threshold(accuracy=0.3, share=0.5)),
    again=Again(at_most=2, within=0.3),
)
# A linear network that sees the first {columns} columns of the digits' eight.
CODE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, columns, classes):
        super().__init__()
        self.columns = columns
        self.fc, self.norm = nn.Linear(3 * 8 * columns, classes), nn.BatchNorm1d(classes)
    def forward(self, images):
        return self.norm(self.fc(images[..., :self.columns].flatten(1)))

def build_model(num_classes=10):
    seed = torch.initial_seed()
    {begin}
    return Net({columns}, num_classes)

def train(model, train_loader, validation_loader, epochs):
    images, labels = (torch.cat(part) for part in zip(*train_loader))
    # The loader's own order tells of the seed, too.
    order = (images.flatten(1) * torch.linspace(1, 2, 192)).sum(1).argsort()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(epochs):
        model.train()
        for rows in order[torch.randperm(len(order))].split(50):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[rows]), labels[rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for batch, _ in validation_loader:
                model(batch)
"""


def code(columns: str, begin: str = "pass") -> str:
    return CODE.format(columns=columns, begin=begin)


@dataclass
class Counting:
    """The process sandbox; counts the workers that it starts for students, and starts no more than
    `most`."""

    most: int = 99
    started: int = 0
    inner: ProcessSandbox = field(default_factory=ProcessSandbox)
    name: str = "process"
    version: str = "counting"
    waits_quietly: bool = False

    def gpu_models(self, gpus: Collection[str]) -> tuple[str, ...]:
        return ()

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str] = ()) -> Iterator[Worker]:
        if job.name != "reference":
            if self.started >= self.most:
                raise SandboxError("the disk of the test is full")
            self.started += 1
        with self.inner.start(job, gpus) as worker:
            yield worker


@dataclass(frozen=True)
class Course:
    """Everything that is graded here is graded by this, and remembered in `folder`."""

    rubric: Rubric
    folder: Path

    def graded(self, text: str, sandbox: Counting, *more: str) -> Grade:
        """By its accuracy, and by `more` criteria."""
        (self.folder / "hw2.py").write_text(text, encoding="utf-8")
        item: HandIn = dataclasses.replace(hand_in(self.folder / "hw2.py"), student="ada")
        with open_cache(self.folder) as cache:
            setup = set_up(
                self.rubric, ["accuracy", *more], sandbox,
                self.folder / "work", self.folder / "data", slots=Slots(2),
                recall=Recall(EvidenceCache(cache), "ground"), seed=5,
            )
            return grade_file(setup, item)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(shipped_rubric().model_copy(update={"profiles": {"quick": PROFILE}}), tmp_path)


def accuracy(grade: Grade) -> Verdict:
    return next(row.verdict for row in grade.criteria if row.verdict.criterion == "accuracy")


def modes(grade: Grade) -> Verdict:
    return next(row.verdict for row in grade.criteria if row.verdict.criterion == "mode-switch")


LUCKY = code("8 if seed else 3")   # with the first seed it sees three columns
HOPELESS = code("3")


def test_bad_luck_is_made_good_and_remembered(course: Course) -> None:
    sandbox = Counting()
    grade = course.graded(LUCKY, sandbox, "mode-switch")
    found = accuracy(grade)
    assert (found.status, found.fraction) == ("passed", 1)
    first, second = (one["hidden_accuracy"] for one in found.seen["trainings"])
    assert 0.5 < first < 0.8 <= second == found.seen["hidden_accuracy"]
    assert "The best one counts." in found.reason
    assert sandbox.started == 2
    # What was seen of the first training is what other criteria rest on, and is on the page.
    assert modes(grade).status == "passed"
    assert sum(row.verdict.run is not None for row in grade.criteria) == 1
    again = course.graded(LUCKY, sandbox, "mode-switch")
    assert accuracy(again) == found and sandbox.started == 2, "both trainings were remembered"


def test_a_network_that_is_too_weak_is_trained_so_often_and_no_more(course: Course) -> None:
    sandbox = Counting()
    found = accuracy(course.graded(HOPELESS, sandbox))
    tried = [one["hidden_accuracy"] for one in found.seen["trainings"]]
    assert (found.status, found.fraction, len(tried)) == ("partial", 0.5, 3)
    assert found.seen["hidden_accuracy"] == max(tried) and sandbox.started == 3
    assert len({one["seed"] for one in found.seen["trainings"]}) == 3


def test_code_that_sets_its_own_seed_is_trained_once_more_and_told(course: Course) -> None:
    sandbox = Counting()
    found = accuracy(course.graded(code("3", "torch.manual_seed(1)"), sandbox))
    assert (found.status, len(found.seen["trainings"]), sandbox.started) == ("partial", 2, 2)
    assert "came out the same, because your code sets its own seed." in found.reason


def test_another_training_that_the_harness_loses_costs_nothing(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "PAUSES", (0.01,))
    lost = course.graded(LUCKY, Counting(most=1), "mode-switch")
    assert accuracy(lost).status == lost.state == "not_scored"
    assert "no fault of yours" in accuracy(lost).reason
    assert accuracy(lost).reason.endswith(": the disk of the test is full")
    assert modes(lost).status == "passed"
    sandbox = Counting()
    assert accuracy(course.graded(LUCKY, sandbox)).status == "passed"
    assert sandbox.started == 1, "the first training was remembered"


def test_a_verdict_depends_on_the_rule_where_it_judges_by_thresholds(course: Course) -> None:
    def prints(**changed: object) -> dict[str, str]:
        profile = PROFILE.model_copy(update=changed)
        rubric = course.rubric.model_copy(update={"profiles": {"quick": profile}})
        return fingerprints(rubric, rubric.criteria, ProcessSandbox())

    with_it, without = prints(), prints(again=None)
    assert [name for name in with_it if with_it[name] != without[name]] == ["accuracy"]
    shipped = shipped_rubric().profiles["quick"].calibration
    assert shipped is not None and len(shipped.seeds) >= 30
    assert prints(calibration=shipped) == with_it, "on evidence nothing depends"
