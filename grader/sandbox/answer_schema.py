"""The schema of a worker's answer to each kind of question, and its strict validation.

The probes in `grader/worker/probes/` write these values, in a process that runs the student's code,
which may have written an answer itself. Every answer is validated here before a check reads it:
each key that a check reads is there, has this type and lies within these bounds. Other keys are
dropped. The bounds are above what the worker reports of any honest work, and low enough that every
check judges the largest answer in less than a second (`tests/sandbox/test_largest_answers.py`).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    Strict,
    ValidationError,
)

from grader import packing, wire
from grader.records import Evidence, Outcome, Question

T = TypeVar("T")
# Texts that are cut and not refused may be as long as this, and lists of them, too.
_MOST = 100_000
_LONGEST = 8_000   # characters of a message or traceback; those of the worker are shorter

# A name, a place in a file, or a word of the worker's; `wire.short` keeps long ones apart.
Name = Annotated[str, Field(max_length=_MOST), AfterValidator(wire.short)]
Text = Annotated[str, Field(max_length=_MOST), AfterValidator(lambda text: text[:_LONGEST])]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
# JSON has no numbers for these three, so the worker writes them as text.
Measured = Finite | Literal["nan", "inf", "-inf"]
# Only the first error is reported; a hundred thousand of them would fill the memory.
Few = Annotated[list[T], Field(max_length=200), FailFast()]       # lists, tables, mistakes
Some = Annotated[list[T], Field(max_length=2_000), FailFast()]    # phases, numbers, rates
Many = Annotated[list[T], Field(max_length=10_000), FailFast()]   # parameters or layers
Names = Many[Name]
# Notes are for the student to read: too many or too long ones are cut and not refused.
Notes = Annotated[
    list[Text], Field(max_length=_MOST), FailFast(),
    AfterValidator(lambda notes: [note[:500] for note in notes[:50]]),
]


def _countable(shape: list[int]) -> list[int]:
    if math.prod(shape) >= 2**63:
        raise ValueError("no tensor has so many elements")
    return shape


class _Answer(BaseModel):
    """Part of an answer. Values are not converted: a text is no number, a bool is no count."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


# A student's figures, as `grader/worker/shims/` keeps them: how many, and pixels of a side.
MOST_FIGURES, LARGEST_FIGURE = 6, 640

_Shape = Annotated[list[Count], Field(max_length=64), AfterValidator(_countable)]
_Classes = Annotated[list[Name], Field(max_length=64)]
# A JSON list of a fixed length; its items are as strict as the rest.
_Pair = Annotated[tuple[Name, Count], Strict(False)]
_Rate = Annotated[tuple[Count, Finite], Strict(False)]
# Name, own name, shape, number of the tensor, trainable, classes; see `networks.describe`.
_Parameter = Annotated[
    tuple[Name, Name, _Shape | None, Count, bool, _Classes], Strict(False)
]


class _Place(_Answer):
    frame: Count
    name: Name
    cell: Count
    line: Count


class _Error(_Answer):
    outcome: Literal["exception", "environment", "worker_failed"] = "exception"
    message: Text
    traceback: Text


class _Table(_Place):
    pairs: Many[_Pair]
    printed: bool = False


class LayerCounts(_Answer):
    form: Literal["function", "script"]
    tables: Few[_Table]
    replaced: bool
    notes: Notes
    printed: bool = False
    error: _Error | None = None


class _List(_Place):
    origin: Name
    names: Names
    kind: Name
    empty: bool
    foreign: Count
    buffers: Count
    used_up: bool
    parent: Name = ""


class _Number(_Place):
    value: Count
    printed: bool = False


class ParameterGroups(_Answer):
    form: Literal["function", "script"]
    lists: Few[_List]
    numbers: Some[_Number]
    replaced: bool
    structure: Many[_Parameter]
    notes: Notes
    error: _Error | None = None


class _Group(_Answer):
    names: Names
    foreign: Count
    weight_decay: Finite
    lr: Measured


class OptimizerGroups(_Answer):
    optimizer: Name
    groups: Many[_Group]
    structure: Many[_Parameter]
    penalised: Names = []
    doubt: Literal["", "another", "unexplained"] = ""


class Evaluation(_Answer):
    complete: Few[bool]
    train_mode_afterwards: Few[bool]
    buffers_moved: bool
    batches_tracked: Many[Count]


class _Run(_Answer):
    kind: Literal["train", "evaluate"]
    after_steps: Count
    passes: Count
    images: Count
    norms_training: Count
    norms_evaluating: Count
    dropouts_training: Count
    with_gradients: Count
    seen: Count
    correct: Count
    loss: Measured
    lr: Measured | None
    statistics_moved: bool
    ended_at: Count
    place: Name
    on_training_data: bool


class _Mistake(_Answer):
    kind: Literal[
        "gradients_kept",
        "loss_not_finite",
        "normalised_differently",
        "not_shuffled",
        "scores_without_log_softmax",
        "softmax_before_cross_entropy",
    ]
    place: Name
    detail: Name


class _Figure(_Answer):
    title: Name
    height: Annotated[int, Field(ge=1, le=LARGEST_FIGURE)]
    width: Annotated[int, Field(ge=1, le=LARGEST_FIGURE)]


class _Network(_Answer):
    name: Name
    parameters: Count


class _Prepared(_Answer):
    way: Literal["function", "dataset", "recognised", "transform", "standard"]
    sure: bool


class _Window(_Answer):
    after: Count
    images: Count
    correct: Count
    loss: Measured
    most: Count


class _Scored(_Answer):
    images: Count
    correct: Count
    most: Count


class _Learnt(_Answer):
    windows: Annotated[list[_Window], Field(max_length=100)]
    at_start: _Scored | None
    moved: Finite | None
    likeness: Finite | None


class _Unseen(_Answer):
    astray: Measured
    times: Count
    gradients: Count
    backward_passes: Count
    images: Count


class Training(_Answer):
    form: Literal["function", "script"]
    runs: Some[_Run]
    steps: Count
    stopped: Literal["epochs", "seconds", "stalled", "sure"] | None
    batches_tracked: Many[Count]
    optimizer: OptimizerGroups | None
    reported_accuracy: Annotated[float, Field(ge=0, le=1)] | None
    error: _Error | None
    uncalled: Names
    deaf: Names
    notes: Notes
    device: Name
    schedulers: Few[Name]
    rates: Some[_Rate]
    images_per_epoch: Count
    mistakes: Few[_Mistake]
    network: _Network
    prepared: _Prepared
    learnt: _Learnt | None = None
    unseen: _Unseen | None = None
    used: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    figures: Annotated[list[_Figure], Field(max_length=MOST_FIGURES)]
    # The record of the training has events that the grader's own code does not write.
    tampered: bool = False


class Untrained(_Answer):
    """Optimizers without a step, left by a question that ended without a training."""

    built: Annotated[list[OptimizerGroups], Field(max_length=8)]


class Prediction(_Answer):
    classes: Count


class _Gpu(_Answer):
    name: Name
    memory_mib: Count
    correct: bool


class Gpus(_Answer):
    gpus: Few[_Gpu]


OWN = "own"   # the kind of a question that runs an instructor's own probe

KINDS: Mapping[str, type[_Answer]] = {
    "layer_counts": LayerCounts,
    "parameter_groups": ParameterGroups,
    "optimizer_groups": OptimizerGroups,
    "evaluate": Evaluation,
    "train": Training,
    "predict": Prediction,
    "gpu": Gpus,
}


# A part of the answer that is kept where the question ended without one.
LEFT: Mapping[str, type[_Answer]] = {"train": Untrained}

# Answers to these carry no arrays.
_WITHOUT_ARRAYS = ("layer_counts", "parameter_groups", "optimizer_groups", "gpu")


def most_bytes(questions: Iterable[Question]) -> int:
    """Return the most bytes of arrays that an answer to any of these questions may have."""
    plain = all(question.kind in _WITHOUT_ARRAYS for question in questions)
    return 0 if plain else wire.MAX_ANSWER_BLOBS


def checked(evidence: Evidence) -> Evidence:
    """Validate an answer against the schema of its question's kind.

    Never raises.

    Returns:
        The evidence with the keys that the schema names; a bad answer of the student's if it does
        not fit. Evidence without an answer keeps what `LEFT` names, if that fits.
    """
    if not evidence.outcome.answered:
        nothing = evidence.value is None
        return evidence if nothing else dataclasses.replace(evidence, value=_left(evidence))
    if evidence.question.kind == OWN:
        return _checked_own(evidence)
    model = KINDS.get(evidence.question.kind)
    if model is None:
        return evidence
    try:
        value = model.model_validate(evidence.value).model_dump(exclude_unset=True)
    except ValidationError as error:
        return _refused(evidence, _described(error))
    wrong = _wrong_blobs(evidence.question, value, [len(blob) for blob in evidence.blobs])
    return _refused(evidence, wrong) if wrong else dataclasses.replace(evidence, value=value)


def _left(evidence: Evidence) -> dict[str, Any] | None:
    """Return the data left by a question that ended without an answer; None if none fit."""
    model = LEFT.get(evidence.question.kind)
    try:
        return model.model_validate(evidence.value).model_dump() if model else None
    except ValidationError:
        return None


def _checked_own(evidence: Evidence) -> Evidence:
    """Validate what an instructor's probe returned: any plain data within bounds."""
    try:
        packing.unpack(evidence.value, evidence.blobs)
    except packing.PackingError as error:
        return _refused(evidence, str(error))
    return evidence


def _wrong_blobs(question: Question, value: Mapping[str, Any], sizes: Sequence[int]) -> str:
    """Describe what is wrong with the sizes of an answer's arrays; "" if nothing is."""
    if question.kind == "predict":
        wanted = [4 * shape[0] * value["classes"] for shape in question.args["shapes"]]
        return "" if list(sizes) == wanted else f"arrays of {list(sizes)} bytes for {wanted}"[:300]
    if question.kind == "evaluate":
        row, orders = 4 * question.args["shape"][0], len(question.args["orders"])
        flags = (value["complete"], value["train_mode_afterwards"])
        if any(len(given) != orders for given in (sizes, *flags)):
            return f"{len(sizes)} arrays and {len(flags[0])} flags for {orders} runs"
        whole = zip(sizes, value["complete"], strict=True)
        right = all(size % row == 0 and bool(size) == complete for size, complete in whole)
        return "" if right else f"arrays of {list(sizes)} bytes, in rows of {row // 4} floats"[:300]
    if question.kind == "train":
        wanted = [3 * one["height"] * one["width"] for one in value["figures"]]
        return "" if list(sizes) == wanted else f"arrays of {list(sizes)} bytes for {wanted}"[:300]
    return f"{len(sizes)} arrays where none were asked for" if sizes else ""


def _refused(evidence: Evidence, why: str) -> Evidence:
    message = f"the answer is not one that the grader's own worker writes: {why}"
    seen = evidence.outcome
    outcome = Outcome(
        wire.BAD_ANSWER, "student", message, seen.seconds, seen.phase, output=seen.output
    )
    return Evidence(evidence.question, outcome)


def _described(error: ValidationError) -> str:
    """Say where the first error is and what was found: `tables[0].pairs[3][1] is -5`."""
    first = error.errors(include_url=False, include_context=False)[0]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    where = path.lstrip(".") or "the value"
    if first["type"] == "missing":
        return f"{where} is missing"
    found = first["input"]
    if isinstance(found, (list, tuple, dict)):
        return f"{where} is a {type(found).__name__} of {len(found)}; {first['msg'].lower()}"[:300]
    return f"{where} is {str(found)[:60]!r}; {first['msg'].lower()}"[:300]
