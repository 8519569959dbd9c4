"""Trainings that are ended early, and those that are only looked at: real ones, on the digits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from grader import wire
from grader.checks.answer_key import AnswerKey
from grader.checks.early_stopping import without_rule
from grader.checks.training_run import PREDICT, TRAIN, predict_question, train_question
from grader.records import Evidence, Grade, Question, Verdict
from grader.rubric.model import DataSpec, Hidden, Limits, Profile, Rubric, StopEarly, Threshold
from grader.run.context import prepare_context
from grader.run.setup import RunSetup, set_up
from grader.sandbox.base import EarlyStopper, Job, Sandbox
from grader.sandbox.conversation import converse
from grader.sandbox.process import ProcessSandbox
from grader.submissions.discover import HandIn, hand_in
from tests.factories import grade_file, shipped_rubric

ROOT = Path(__file__).parent.parent.parent
EPOCHS = 6
CRITERIA = ("mode-switch", "optimizer-groups", "accuracy")
PROFILE = Profile(
    data=DataSpec(validation=300, hidden=Hidden(held_out=600), limit_train=400),
    epochs=EPOCHS,
    seconds=120,
    thresholds=(Threshold(accuracy=0.7, share=1.0), Threshold(accuracy=0.3, share=0.5)),
    stop_early=StopEarly(parts=3, risk=0.01),
)
LIMITS = Limits(seconds=60)
# Everything that a look could disturb is in it: shuffling, dropout and transforms draw from three
# sources of random numbers, and images go through a data set of the script's own.
SCRIPT = """
import random
import numpy as np
import torch
import torchvision
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

EPOCHS = {epochs}
random.seed(0)
def drawn():
    return float(np.random.rand()) + random.random() + float(torch.rand(()))

class Squared(torch.utils.data.Dataset):
    def __init__(self, train, noise):
        to_tensor = transforms.Compose([
            transforms.ToTensor(), transforms.Lambda(lambda image: image + noise * drawn())])
        self.dataset = torchvision.datasets.CIFAR10(".", train=train, transform=to_tensor)
    def __len__(self):
        return len(self.dataset)
    def __getitem__(self, index):
        image, label = self.dataset[index]
        return image ** 2, label

sets = [Squared(True, 0.01), Squared(False, 0.0)]
batches = DataLoader(sets[0], batch_size=32, shuffle=True)
test = DataLoader(sets[1], batch_size=100)
model = nn.Sequential(
    nn.Conv2d(3, 8, 8, stride=4, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(),
    nn.Dropout(0.1), nn.Linear(392, 10),
)
decayed = [p for p in model.parameters() if p.dim() > 1]
plain = [p for p in model.parameters() if p.dim() == 1]
optimizer = torch.optim.SGD(
    [{{"params": decayed, "weight_decay": 1e-3}}, {{"params": plain, "weight_decay": 0.0}}],
    lr={lr}, momentum=0.9)
loss = nn.CrossEntropyLoss()

def epoch():
    model.train()
    for images, labels in batches:
        optimizer.zero_grad()
        loss(model(images), labels).backward()
        optimizer.step()

def evaluate():
    model.eval()
    right = 0
    with torch.no_grad():
        for images, labels in test:
            right += (model(images).argmax(1) == labels).sum().item()
    print("reached", right / len(sets[1]))

{body}
"""
EACH_EPOCH = """
for number in range(EPOCHS):
    epoch()
    evaluate()
"""
AT_THE_END = """
for number in range(EPOCHS):
    epoch()
evaluate()
"""


def script(body: str = EACH_EPOCH, epochs: int = EPOCHS, lr: float = 0.05) -> str:
    return SCRIPT.format(body=body, epochs=epochs, lr=lr)


@dataclass(frozen=True)
class Course:
    """The setup that submissions are asked with."""

    rubric: Rubric
    key: AnswerKey
    view: Path


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    rubric = shipped_rubric().model_copy(update={"profiles": {"quick": PROFILE}})
    folder = tmp_path_factory.mktemp("course")
    context = prepare_context(rubric, 7, 2, folder / "view", folder / "cache")
    key = AnswerKey(context.inputs, context.hidden_labels, context.validation_labels, {})
    return Course(rubric, key, context.view)


@dataclass
class Recording:
    """An examiner that gives each part that it is asked for, remembers what it was told, and says
    what it was made to say."""

    key: AnswerKey
    sure: bool = False
    generous: bool = True
    parts: list[bytes] = field(default_factory=list)
    told: list[tuple[int, int]] = field(default_factory=list)
    predicted: list[NDArray[np.float32]] = field(default_factory=list)

    def part(
        self, student: str, question: Question, correct: int, seen: int
    ) -> NDArray[np.uint8] | None:
        self.told.append((correct, seen))
        if not self.generous:
            return None
        images = np.array_split(self.key.inputs.hidden_images, 10)[len(self.parts)]
        self.parts.append(images.tobytes())
        return images

    def is_sure(self, student: str, question: Question, logits: NDArray[np.float32]) -> bool:
        self.predicted.append(logits)
        return self.sure


def questions(course: Course, rule: bool = True) -> tuple[Question, ...]:
    inputs = course.key.inputs
    asked = train_question(inputs, LIMITS), predict_question(inputs, LIMITS)
    return asked if rule else without_rule(asked)


def ask(
    course: Course,
    folder: Path,
    code: str,
    early_stopper: EarlyStopper | None,
    *,
    rule: bool = True,
    sandbox: Sandbox | None = None,
) -> Mapping[str, Evidence]:
    folder.mkdir()
    (folder / "hw2.py").write_text(code, encoding="utf-8")
    job = Job(
        "ada", folder, questions(course, rule), LIMITS, course.view, early_stopper=early_stopper
    )
    return {one.question.id: one for one in converse(sandbox or ProcessSandbox(), job)}


def stretches(found: Mapping[str, Evidence]) -> list[str]:
    training = found[TRAIN]
    assert training.outcome.answered, training.outcome
    return [run["kind"] for run in training.value["runs"] if run["after_steps"] or run["images"]]


@pytest.mark.parametrize("spawned", [False, True], ids=["forked", "spawned"])
def test_a_training_that_is_sure_is_stopped_after_an_evaluation(
    course: Course, tmp_path: Path, spawned: bool
) -> None:
    early_stopper = Recording(course.key, sure=True)
    sandbox = ProcessSandbox({"GRADER_WORKER_SPAWN": "1"} if spawned else None)
    found = ask(course, tmp_path / "ada", script(), early_stopper, sandbox=sandbox)
    assert found[TRAIN].value["stopped"] == "sure"
    assert stretches(found) == ["train", "evaluate"] * 2
    assert len(early_stopper.parts) == 1 and found[PREDICT].outcome.answered
    # What was looked at is what predicts in the end.
    hidden = np.frombuffer(found[PREDICT].blobs[0], "<f4").reshape(600, 10)
    assert np.abs(hidden[:60] - early_stopper.predicted[0]).max() < 1e-4
    (told,) = early_stopper.told
    row = [row for row in found[TRAIN].value["runs"] if row["kind"] == "evaluate"][-1]
    assert told == (row["correct"], row["seen"]) == (told[0], 300)


def test_looks_leave_no_trace_in_a_training(course: Course, tmp_path: Path) -> None:
    early_stopper = Recording(course.key)
    looked = ask(course, tmp_path / "looked", script(), early_stopper)
    plain = ask(course, tmp_path / "plain", script(), None, rule=False)
    assert early_stopper.predicted, "how many there are depends on how long one takes"
    assert len({one.tobytes() for one in early_stopper.predicted}) == len(early_stopper.predicted)
    assert looked[TRAIN].value["stopped"] is None
    assert looked[PREDICT].blobs == plain[PREDICT].blobs
    for name in ("runs", "steps", "rates", "optimizer", "batches_tracked", "prepared", "mistakes"):
        assert looked[TRAIN].value[name] == plain[TRAIN].value[name], name


def test_what_is_printed_after_a_look_is_not_shown(course: Course, tmp_path: Path) -> None:
    body = EACH_EPOCH + "print(model)\nraise ValueError('of what was seen')\n"
    looked = ask(course, tmp_path / "looked", script(body), Recording(course.key))[TRAIN]
    plain = ask(course, tmp_path / "plain", script(body), Recording(course.key, generous=False))
    assert "reached" in plain[TRAIN].outcome.output
    assert "of what was seen" in plain[TRAIN].value["error"]["message"]
    assert looked.outcome.output == "" and "of what" not in str(looked.value)
    assert "not shown" in looked.value["notes"][-1]


def test_a_script_that_evaluates_only_at_the_end_is_not_looked_at(
    course: Course, tmp_path: Path
) -> None:
    early_stopper = Recording(course.key, sure=True)
    found = ask(course, tmp_path / "ada", script(AT_THE_END), early_stopper)
    assert found[TRAIN].value["stopped"] is None and early_stopper.told == []
    assert stretches(found)[-1] == "evaluate"


def test_without_a_rule_nobody_is_asked(course: Course, tmp_path: Path) -> None:
    early_stopper = Recording(course.key, sure=True)
    found = ask(course, tmp_path / "ada", script(epochs=4), early_stopper, rule=False)
    assert early_stopper.told == [] and found[TRAIN].value["stopped"] is None
    assert "reached" in found[TRAIN].outcome.output


@pytest.mark.parametrize(
    "spoilt",
    [
        "model.register_forward_hook(lambda *args: None)\n",
        "model.lock = __import__('threading').Lock()\n",
        "other = nn.Linear(3, 1)\nstep = torch.optim.SGD(other.parameters(), lr=0.1)\n"
        "other(torch.ones(2, 3)).sum().backward()\nstep.step()\n",
    ],
    ids=["a network with hooks", "a network that cannot be copied", "two networks"],
)
def test_where_anything_is_in_doubt_the_training_goes_on(
    course: Course, tmp_path: Path, spoilt: str
) -> None:
    early_stopper = Recording(course.key, sure=True)
    found = ask(course, tmp_path / "ada", script(spoilt + EACH_EPOCH, epochs=4), early_stopper)
    assert early_stopper.predicted == []
    assert found[TRAIN].value["stopped"] is None and found[PREDICT].outcome.answered
    assert stretches(found)[-8:] == ["train", "evaluate"] * 4


def test_a_data_set_that_keeps_what_it_gave_out_never_gives_out_a_hidden_image(
    course: Course, tmp_path: Path
) -> None:
    keeping = """
class Keeping(torch.utils.data.Dataset):
    def __init__(self, inner):
        self.inner, self.kept = inner, {}
    def __len__(self):
        return len(self.inner)
    def __getitem__(self, index):
        if index not in self.kept:
            self.kept[index] = self.inner[index]
        return self.kept[index]

class Late(Keeping):   # only after a look
    def __getitem__(self, index):
        return super().__getitem__(index) if number >= 2 else self.inner[index]

test = DataLoader(Late(sets[1]), batch_size=100)
"""
    code = script(keeping + EACH_EPOCH)
    early_stopper = Recording(course.key)
    looked = ask(course, tmp_path / "looked", code, early_stopper)
    plain = ask(course, tmp_path / "plain", code, None, rule=False)
    assert early_stopper.predicted and looked[PREDICT].blobs == plain[PREDICT].blobs
    assert looked[TRAIN].value["runs"] == plain[TRAIN].value["runs"]


# The whole way, from a file to its marks --------------------------------------------------------


@pytest.fixture(scope="module")
def setup(
    course: Course, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunSetup]:
    workspace = tmp_path_factory.mktemp("workspace")
    yield set_up(
        course.rubric, CRITERIA, ProcessSandbox(), workspace, workspace / "cache", seed=7
    )


def graded(setup: RunSetup, folder: Path, code: str) -> Grade:
    """The marks of a script whose author is called as the folder is."""
    (folder / "hw2.py").write_text(code, encoding="utf-8")
    item: HandIn = dataclasses.replace(hand_in(folder / "hw2.py"), student=folder.name)
    return grade_file(setup, item)


def in_full(setup: RunSetup) -> RunSetup:
    """Return the setup without the rule."""
    profile = PROFILE.model_copy(update={"stop_early": None})
    context = setup.context()
    without = dataclasses.replace(
        context, inputs=dataclasses.replace(context.inputs, profile=profile)
    )
    return dataclasses.replace(setup, context=lambda: without)


def marks(grade: Grade) -> dict[str, tuple[str, float]]:
    verdicts = [row.verdict for row in grade.criteria if row.verdict.criterion in CRITERIA]
    return {one.criterion: (one.status, one.fraction) for one in verdicts}


def accuracy(grade: Grade) -> Verdict:
    return next(row.verdict for row in grade.criteria if row.verdict.criterion == "accuracy")


def steps(grade: Grade) -> int:
    return int(accuracy(grade).seen["steps"])


def test_full_credit_comes_sooner_and_is_the_same(
    setup: RunSetup, tmp_path: Path
) -> None:
    early = graded(setup, tmp_path, script())
    late = graded(in_full(setup), tmp_path, script())
    assert marks(early) == marks(late) == dict.fromkeys(CRITERIA, ("passed", 1.0))
    assert steps(early) < steps(late)
    said = accuracy(early).reason
    assert "stopped early after 2 epochs, because full credit was certain: a part of the" in said
    assert "an accuracy of 70% or more (the risk of a wrong stop is at most 0.01)." in said
    assert "stopped" not in accuracy(late).reason


def test_a_network_that_does_not_reach_it_is_trained_to_the_end(
    setup: RunSetup, tmp_path: Path
) -> None:
    code = script(lr=0.0005, epochs=3)
    looked, late = graded(setup, tmp_path, code), graded(in_full(setup), tmp_path, code)
    assert marks(looked) == marks(late) and steps(looked) == steps(late)
    assert 0 < marks(late)["accuracy"][1] < 1
    assert accuracy(looked).seen["hidden_accuracy"] == accuracy(late).seen["hidden_accuracy"]


def test_a_stop_that_was_in_vain_costs_nothing(
    setup: RunSetup, tmp_path: Path
) -> None:
    """The examiner errs, as it may within its risk: the training is asked again in full."""
    early_stopper = Recording(setup.key, sure=True)
    context = dataclasses.replace(setup.context(), early_stopper=early_stopper)
    erring = dataclasses.replace(setup, context=lambda: context)
    code = script(lr=0.0005, epochs=3)
    looked, late = graded(erring, tmp_path, code), graded(in_full(setup), tmp_path, code)
    assert len(early_stopper.parts) == 1
    assert marks(looked) == marks(late) and steps(looked) == steps(late)
    assert "stopped" not in accuracy(looked).reason


def test_a_mistake_of_the_second_epoch_is_seen_before_a_training_is_stopped(
    setup: RunSetup, tmp_path: Path
) -> None:
    body = EACH_EPOCH.replace("epoch()", "epoch(), epoch(), epoch()")   # enough to pass at once
    code = script(body, epochs=3).replace("model.eval()", "number or model.eval()")
    early, late = graded(setup, tmp_path, code), graded(in_full(setup), tmp_path, code)
    assert marks(early) == marks(late) and steps(early) <= steps(late)
    assert marks(early)["mode-switch"] == ("partial", 0.5)


UNTRAINED = "nn.Sequential(nn.Flatten(), nn.Linear(3072, 10), nn.BatchNorm1d(10))"
# It finds the streams of the session's own loop, further down the stack.
FORGERY = """
import sys
from grader import wire
from grader.worker.process.streams import write_all

frame = sys._getframe()
while "answers" not in frame.f_locals:
    frame = frame.f_back
loop = frame.f_locals

def say(message, blobs=()):
    write_all(loop["answers"], wire.encode(message, blobs))

def hear():
    return wire.read_frame(loop["questions"].read)
"""
FORGERIES = {
    "logits that it makes up": """
epoch()
evaluate()
say({"type": "interim", "correct": 300, "seen": 300})
images = hear()
made_up = np.random.rand(images[0]["shape"][0], 10).astype("<f4")
say({"type": "interim", "classes": 10}, (made_up.tobytes(),))
print(hear())
""",
    "logits for no images": """
say({"type": "interim", "classes": 10}, (bytes(40 * 200),))
""",
    "nonsense": """
say({"type": "interim", "correct": [1], "seen": None, "id": "another"})
""",
    "a request that nobody waits for": """
say({"type": "interim", "correct": 300, "seen": 300})
""",
    "the report that it was stopped": """
say({"type": "answer", "outcome": "answered", "value": {"stopped": "sure"}})
""",
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_look_earns_nothing_and_costs_nobody_else(
    setup: RunSetup, tmp_path: Path, forgery: str
) -> None:
    body = f"{FORGERY}\nmodel = {UNTRAINED}\n{forgery}{EACH_EPOCH}"
    code = script(body, epochs=2, lr=0.0)
    grade = graded(setup, tmp_path, code)
    assert marks(grade)["accuracy"] == ("failed", 0.0)
    # Other criteria of code that reaches for the grader's own wait for a person.
    assert accuracy(grade).status == "failed" and grade.state != "not_scored"


def test_a_look_that_no_rule_allows_is_no_message_of_ours(course: Course, tmp_path: Path) -> None:
    early_stopper = Recording(course.key, sure=True)
    forgery = FORGERIES["a request that nobody waits for"]
    found = ask(course, tmp_path / "ada", script(FORGERY + forgery), early_stopper, rule=False)
    assert (found[TRAIN].outcome.kind, early_stopper.told) == (wire.BAD_ANSWER, [])
    assert "does not send" in found[TRAIN].outcome.message
