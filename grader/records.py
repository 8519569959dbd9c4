"""The nouns that pass from room to room: frozen, and made of plain data.

    Submission -> Question -> Evidence -> Verdict -> Grade

What a worker says is an answer, and an answer is testimony: it shares a process with the student's
code. What the host itself saw (exit, memory, wall time) is an `Outcome`. `Evidence` keeps the two
apart.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

ALL_GPUS = ("all",)   # in place of device ids: whatever there is, not told apart
Status = Literal["passed", "partial", "failed", "not_scored", "needs_marking"]
Owner = Literal["student", "harness"]


@dataclass(frozen=True)
class Submission:
    """What one student handed in, made ready to be run but not yet run.

    `folder` is what the sandbox shows the worker, read-only: archives unpacked, notebooks
    converted. `refused` says why nothing of it may be run (an archive that is not safe, say); the
    student is told. `notes` are for the student, `remarks` for the person who marks. `members` are
    the students whose work it is, where it is not the one student's; of several attempts a higher
    one is later; `marked_late` is what a system says that tells no time.
    """

    student: str
    source: Path
    folder: Path
    files: tuple[str, ...]
    digest: str
    answers: Mapping[str, str] = field(default_factory=dict)
    submitted_at: datetime | None = None
    refused: str | None = None
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    attempt: int = 1
    marked_late: bool = False

    @property
    def owners(self) -> tuple[str, ...]:
        return self.members or (self.student,)


@dataclass(frozen=True)
class StopRule:
    """When a training may be ended because its network is sure to have passed: by `parts` of the
    hidden images, each scored once, it is at or above the accuracy `threshold`, and the chance that
    this is said of a network below it is at most `risk`, all parts together."""

    threshold: float
    parts: int
    risk: float

    @property
    def risk_per_look(self) -> float:
        """By Bonferroni's inequality the parts' risks add up to no more than the whole."""
        return self.risk / self.parts


@dataclass(frozen=True)
class Question:
    """What the worker is to do with the student's code.

    Questions of one `session` are put to one child process, in order, so that a later one finds
    what an earlier one left (the network that was trained). `seconds` is the limit for the answer,
    loading the student's file included. Two questions with the same `id` are the same question.
    `stopping` stays on the host: under which rule a training may be ended early, None under none.
    So do `tests`: a file of the instructor's whose tests are what is asked, None where it is not.
    """

    id: str
    kind: str
    args: Mapping[str, Any]
    session: str
    seconds: float
    blobs: tuple[bytes, ...] = ()
    stopping: StopRule | None = None
    tests: Path | None = None

    @cached_property
    def digest(self) -> str:
        """Of all that is asked; what an answer is kept by."""
        asked = [self.id, self.kind, dict(self.args), self.session, self.seconds]
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode())
        for blob in self.blobs:
            digest.update(hashlib.sha256(blob).digest())
        return digest.hexdigest()


@dataclass(frozen=True)
class Outcome:
    """How one question ended, as far as the worker's supervisor and the host could see.

    `kind` is a word of `grader.sandbox.outcomes.OWNER`, which says whose fault it is. `output` is
    the tail of what the student's code printed, `traceback` names the student's own lines.
    """

    kind: str
    owner: Owner
    message: str = ""
    seconds: float = 0.0
    phase: Literal["load", "call"] = "call"
    traceback: str = ""
    output: str = ""

    @property
    def answered(self) -> bool:
        return self.kind == "answered"


@dataclass(frozen=True)
class Evidence:
    """A question, how it ended (observed), and what was said in reply (reported).

    `worker` has the versions of what the worker runs on, as it told them when it was ready: before
    any code of the student's ran.
    """

    question: Question
    outcome: Outcome
    value: Any = None
    blobs: tuple[bytes, ...] = ()
    worker: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """Rows for the feedback; the first column names the row. Cells are plain text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Series:
    """A line of a plot: `points` are (x, y)."""

    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class LearningCurve:
    """Loss and top-1 accuracy (a fraction) per epoch, as observed while the student's code ran."""

    title: str
    loss: tuple[Series, ...]
    accuracy: tuple[Series, ...]


@dataclass(frozen=True)
class ConfusionMatrix:
    """`counts[i][j]` images of class i were called class j."""

    title: str
    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A picture that the student's code drew. `png`, in base64, was made of pixels by the host."""

    title: str
    width: int
    height: int
    png: str


@dataclass(frozen=True)
class Stretch:
    """Consecutive passes of one kind through the trained network: an epoch, or an evaluation.

    `right`: the network was in the mode that this kind of pass wants. `loss` is the mean per image
    in nats, `accuracy` a fraction; None where no labels were seen. `place` is where in the
    student's file the network is called, such as `hw2.py, line 41`.
    """

    kind: Literal["train", "evaluate"]
    batches: int
    images: int
    mode: Literal["train", "eval", "mixed"]
    right: bool
    place: str
    lr: float | None = None
    loss: float | None = None
    accuracy: float | None = None


@dataclass(frozen=True)
class Caution:
    """Something in a training that a student should know: `what` was seen, `where`, and `why` it
    matters, a sentence each. It costs nothing by itself."""

    what: str
    where: str
    why: str


@dataclass(frozen=True)
class TrainingRun:
    """A training as it was watched, for the student to look at: told by the worker, not observed
    by the host. `facts` are pairs of a name and a text, `rates` is the learning rate by step.
    """

    facts: tuple[tuple[str, str], ...]
    stretches: tuple[Stretch, ...]
    curve: LearningCurve | None = None
    rates: Series | None = None
    groups: Table | None = None
    cautions: tuple[Caution, ...] = ()
    figures: tuple[Figure, ...] = ()
    output: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a check concludes about one criterion from the evidence.

    `fraction` of the criterion's points, 0 to 1. `reason` is the sentence the student reads,
    `hints` cost nothing, `seen` is what a person needs who marks or defends it. `run` is the
    training that several criteria may rest on: one of them carries it.
    """

    criterion: str
    status: Status
    fraction: float
    reason: str
    hints: tuple[str, ...] = ()
    asked: str = ""
    next_step: str = ""
    tables: tuple[Table, ...] = ()
    pictures: tuple[LearningCurve | ConfusionMatrix, ...] = ()
    seen: Mapping[str, Any] = field(default_factory=dict)
    run: TrainingRun | None = None


@dataclass(frozen=True)
class Trace:
    """What is kept of a piece of evidence when its verdicts are: enough to explain them by.

    `question` is what was asked, without its arrays, under its `digest`; `criteria` rest on it.
    `outcome` was observed, and is kept without what the student's code printed. `reported` is a
    digest of what the worker said, "" for nothing; the cache has it under `key`, as long as nobody
    clears that. `reference` is a digest of what the reference said, `labels`
    gives the number of hidden labels and their digest.
    """

    question: Mapping[str, Any]
    digest: str
    criteria: tuple[str, ...]
    outcome: Outcome
    reported: str = ""
    key: str = ""
    reference: str = ""
    labels: str = ""
    worker: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Concluded:
    """What one grading of a submission came to: verdicts by criterion, the seconds it took, and
    what is kept of the evidence that it rests on."""

    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    seconds: float = 0.0
    traces: tuple[Trace, ...] = ()


@dataclass(frozen=True)
class Conditions:
    """What a run grades by, in plain data: `options` of the command line, `versions` in words, the
    rubric as it was read, how each check concludes (`rules`, by its name), digests of all that
    every verdict depends on (`ingredients`, by name), and of all of them by criterion."""

    options: Mapping[str, Any]
    versions: Mapping[str, str]
    rubric: Mapping[str, Any]
    rules: Mapping[str, str]
    ingredients: Mapping[str, str]
    fingerprints: Mapping[str, str]


@dataclass(frozen=True)
class CriterionGrade:
    """A verdict with its points. `points` is None while it waits for a person or for a re-run."""

    verdict: Verdict
    title: str
    part: str
    visibility: str
    max: float
    points: float | None


@dataclass(frozen=True)
class Grade:
    """One student's marks: what `grades.json` and the feedback are made of.

    `score` adds up what is known so far, less the late penalty, and is never above the cap.
    `submission` is what counts of `attempts` that there are: this `attempt`, of the whole `group`
    where several students handed in together.
    """

    student: str
    submission: Submission
    criteria: tuple[CriterionGrade, ...]
    score: float
    max: float
    late_penalty: float = 0.0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    attempt: int = 1
    attempts: int = 1
    group: tuple[str, ...] = ()

    @property
    def state(self) -> Literal["graded", "needs_marking", "not_scored"]:
        statuses = {criterion.verdict.status for criterion in self.criteria}
        if "not_scored" in statuses:
            return "not_scored"
        return "needs_marking" if "needs_marking" in statuses else "graded"
