"""The data that packages exchange: frozen dataclasses of plain values.

    Submission -> Question -> Evidence -> Verdict -> Grade

An answer is self-reported: the worker that gives it shares a process with the student's code. An
`Outcome` is what the host itself observed (exit, memory, time). `Evidence` keeps the two apart.
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

ALL_GPUS = ("all",)   # in place of device ids: every GPU, shared by all submissions
Status = Literal["passed", "partial", "failed", "not_scored", "needs_marking"]
# A status as people read it: a failed part that was not attempted has a word of its own.
Result = Literal["passed", "partial", "failed", "not_attempted", "not_scored", "needs_marking"]
Owner = Literal["student", "environment", "harness"]


@dataclass(frozen=True)
class Use:
    """A use of something that a criterion forbids.

    Attributes:
        rule: The rule that it breaks, as `grader.submissions.forbidden` words it.
        name: The full name of what is used.
        file: The file, relative to the submission.
        line: The line of it.
        text: The line's text.
        aside: It stands below `if __name__ == "__main__":` or in a test, or could not be read.
    """

    rule: str
    name: str
    file: str
    line: int
    text: str
    aside: bool


@dataclass(frozen=True)
class Submission:
    """One student's work, unpacked and converted, ready to be run.

    Attributes:
        student: The student's key, which marks go by.
        source: The file or folder that was handed in.
        folder: The folder that the worker sees, read-only.
        files: Paths in `folder`, relative to it.
        digest: A digest of the files; "" if it is not known.
        answers: Written answers by part.
        submitted_at: When it was handed in; None if unknown.
        refused: Why it cannot be opened safely, for the student; None if it was opened.
        notes: Lines for the student, such as what was left out.
        remarks: Lines for the person who marks it, on code outside the allowlist.
        reaching: Those of the remarks whose code could ask the grader's own modules.
        members: The students of the group that handed it in; empty for one student's own work.
        attempt: The number of the attempt; higher is later.
        marked_late: A system without times of submission calls it late.
        stamp: A digest of what was handed in, as it lies in the class folder; "" if not known.
        unread: Names of files that may hold work and that the grader could not read.
        uses: Uses of what criteria forbid.
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
    reaching: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    attempt: int = 1
    marked_late: bool = False
    stamp: str = ""
    unread: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()

    @property
    def owners(self) -> tuple[str, ...]:
        """The students who get its marks."""
        return self.members or (self.student,)

    @property
    def has_code(self) -> bool:
        """There is a Python file."""
        return any(file.endswith(".py") for file in self.files)


@dataclass(frozen=True)
class StopRule:
    """A rule for ending a training early because its network has surely passed.

    The hidden images are split into `parts`, and each part is scored at most once. `threshold` is
    the accuracy to reach, a fraction. `risk` bounds the chance of ending the training of a network
    that is below it, over all parts.
    """

    threshold: float
    parts: int
    risk: float

    @property
    def risk_per_look(self) -> float:
        """The risk of one interim look: the parts' risks add up to `risk` (Bonferroni)."""
        return self.risk / self.parts


@dataclass(frozen=True)
class Question:
    """Something that the worker is to do with the student's code.

    Attributes:
        id: Names the question; two questions with one id are the same question.
        kind: The worker's probe that answers it.
        args: The probe's arguments, as JSON values.
        session: Questions of one session go to one child process, in order, so that a later one
            finds what an earlier one left, such as a trained network.
        seconds: The time limit of the answer, loading the student's file included. A second is one
            of processor time, or one in which the code is idle.
        blobs: Arrays that go along, packed.
        stopping: The rule for ending a training early. It stays on the host. None: no such rule.
        tests: A pytest file whose tests are the question. It stays on the host. None: no tests.
        threads: Threads that the code may keep busy; each has that many seconds of processor time.
    """

    id: str
    kind: str
    args: Mapping[str, Any]
    session: str
    seconds: float
    blobs: tuple[bytes, ...] = ()
    stopping: StopRule | None = None
    tests: Path | None = None
    threads: int = 1

    @cached_property
    def digest(self) -> str:
        """SHA-256 over id, kind, arguments, session, seconds and blobs. Part of the cache key."""
        asked = [self.id, self.kind, dict(self.args), self.session, self.seconds]
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode())
        for blob in self.blobs:
            digest.update(hashlib.sha256(blob).digest())
        return digest.hexdigest()


@dataclass(frozen=True)
class Outcome:
    """The end of a question, as the worker's supervisor and the host observed it.

    Attributes:
        kind: A key of `grader.sandbox.outcomes.OWNER`, such as "answered" or "time_limit".
        owner: Who is responsible for this outcome.
        message: The reason, in a sentence; may be empty.
        seconds: How long it took.
        phase: "load" while the student's file was being imported, "call" afterwards.
        traceback: The traceback, cut down to the student's own lines.
        output: The last part of what the student's code printed.
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
        """The question was answered."""
        return self.kind == "answered"


@dataclass(frozen=True)
class Evidence:
    """A question, its outcome (observed) and its answer (self-reported).

    `value` and `blobs` are the answer; `worker` has the versions of Python, torch and so on, which
    the worker reports before any student's code runs.
    """

    question: Question
    outcome: Outcome
    value: Any = None
    blobs: tuple[bytes, ...] = ()
    worker: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A table of the feedback. The first column names the row; cells are plain text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Series:
    """One line of a plot; `points` are (x, y) pairs."""

    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class LearningCurve:
    """Loss and top-1 accuracy (a fraction) by epoch, observed while the student's code ran."""

    title: str
    loss: tuple[Series, ...]
    accuracy: tuple[Series, ...]


@dataclass(frozen=True)
class ConfusionMatrix:
    """A confusion matrix: `counts[i][j]` images of class i were predicted as class j."""

    title: str
    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A picture that the student's code drew. The host encoded `png` (base64) from its pixels."""

    title: str
    width: int
    height: int
    png: str


@dataclass(frozen=True)
class Phase:
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
class PhaseStrip:
    """The phases of a training in order, to be drawn as a strip of modes."""

    title: str
    phases: tuple[Phase, ...]


@dataclass(frozen=True)
class Caution:
    """A warning about a training, without cost: what was seen, where, and why it matters."""

    what: str
    where: str
    why: str


@dataclass(frozen=True)
class TrainingRun:
    """A training as the worker reports it, for the student to read.

    `facts` are pairs of a name and a text; `rates` is the learning rate by step.
    """

    facts: tuple[tuple[str, str], ...]
    stretches: tuple[Phase, ...]
    curve: LearningCurve | None = None
    rates: Series | None = None
    groups: Table | None = None
    cautions: tuple[Caution, ...] = ()
    figures: tuple[Figure, ...] = ()
    output: str = ""


Picture = LearningCurve | ConfusionMatrix | PhaseStrip


@dataclass(frozen=True)
class Verdict:
    """A check's conclusion about one criterion.

    Attributes:
        criterion: The criterion's id.
        status: passed, partial, failed, not_scored (the harness failed) or needs_marking.
        fraction: The fraction of the criterion's points that is earned, 0 to 1.
        reason: The sentence that the student reads.
        hints: Advice that costs nothing.
        asked: What was asked of the student's code.
        next_step: What the student should do next.
        tables, pictures: What the page shows besides.
        seen: Facts for the person who marks or defends the verdict.
        run: The training that several criteria may rest on; one of them carries it.
        attempted: False for a blank part and for one that nothing was handed in for.
    """

    criterion: str
    status: Status
    fraction: float
    reason: str
    hints: tuple[str, ...] = ()
    asked: str = ""
    next_step: str = ""
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    seen: Mapping[str, Any] = field(default_factory=dict)
    run: TrainingRun | None = None
    attempted: bool = True

    @property
    def result(self) -> Result:
        """The status as people read it."""
        return result_of(self.status, self.attempted)


def result_of(status: Status, attempted: bool) -> Result:
    """Returns the status as people read it: "not_attempted" in place of "failed" where it is so."""
    return status if attempted or status != "failed" else "not_attempted"


@dataclass(frozen=True)
class Trace:
    """A summary of one piece of evidence, stored with the verdicts that rest on it.

    Attributes:
        question: What was asked, without its arrays.
        digest: The question's digest.
        criteria: Ids of the criteria that rest on the answer.
        outcome: The outcome, without what the student's code printed.
        reported: A digest of the answer; "" if there is none.
        key: The answer's key in the cache.
        reference: A digest of the reference's answer; "" if it was not asked.
        labels: The number of hidden labels and their digest; "" if none were used.
        worker: Versions of Python, torch and so on.
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
    """The result of grading one submission.

    It has the verdicts by criterion, the seconds that the answers took, and traces of the evidence.
    """

    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    seconds: float = 0.0
    traces: tuple[Trace, ...] = ()


@dataclass(frozen=True)
class Conditions:
    """The conditions of a run, in plain data.

    Attributes:
        options: Options of the command line.
        versions: Versions of the grader, the host, the sandbox and the engine, in words.
        rubric: The rubric as it was read.
        rules: How each check judges, by its name.
        ingredients: Digests of what every verdict depends on, by name.
        fingerprints: A digest of everything that its verdicts depend on, by criterion.
        present: Names of all hand-ins that lay in the class folder; None if that is not known.
    """

    options: Mapping[str, Any]
    versions: Mapping[str, str]
    rubric: Mapping[str, Any]
    rules: Mapping[str, str]
    ingredients: Mapping[str, str]
    fingerprints: Mapping[str, str]
    present: tuple[str, ...] | None = None


@dataclass(frozen=True)
class CriterionGrade:
    """A verdict with its points. `points` is None while a person or another run has to decide."""

    verdict: Verdict
    title: str
    part: str
    visibility: str
    max: float
    points: float | None


@dataclass(frozen=True)
class Grade:
    """One student's marks; `grades.json` and the feedback are made of them.

    Attributes:
        student: The student's key.
        submission: The submission that counts.
        criteria: The verdicts with their points, in the rubric's order.
        score: The points known so far, less the late penalty, at most `max`.
        max: The most points that can be earned.
        late_penalty: Points taken for lateness.
        seconds: How long the answers took.
        notes: Lines for the student.
        attempt: The number of the attempt that counts.
        attempts: How many attempts there are.
        group: All students of the group; empty for a student's own work.
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
        """Graded if all points are known; otherwise what decides the missing ones."""
        statuses = {criterion.verdict.status for criterion in self.criteria}
        if "not_scored" in statuses:
            return "not_scored"
        return "needs_marking" if "needs_marking" in statuses else "graded"

    @property
    def final(self) -> float | None:
        """The score; None while a person or another run has to decide part of it."""
        return self.score if self.state == "graded" else None
