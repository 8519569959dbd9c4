"""Check `optimizer_groups`: weight decay on group (iii) only, each parameter exactly once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.checks.check import Check, Work, graded, needs_marking, without_answer
from grader.checks.groups.assignment import GROUPS, Truth, truth_of
from grader.checks.groups.param_group_mistakes import NUMERALS
from grader.checks.hidden_networks import dropout_network
from grader.checks.training_run import TRAIN, Rows, train_question, trainings
from grader.records import Evidence, Question, Table, Verdict
from grader.rubric.model import Criterion, Limits, Model

MAKE = "optimizer-groups/make"
ASKED = (
    "The optimizer's parameter groups: weight decay on (iii) all the rest, none on (i) batch-norm "
    "affine parameters and (ii) biases, and each trainable parameter in it exactly once."
)
ASKED_OF_FUNCTION = f"The optimizer that make_optimizer(model) makes for a test network. {ASKED}"


class Params(Model):
    """Which optimizer is judged."""

    of: Literal["training", "make_optimizer"] = Field(
        "training",
        description="the optimizer that trained, or what make_optimizer makes: nothing is trained",
    )


def ask(criterion: Criterion, inputs: EvalInputs, limits: Limits) -> tuple[Question, ...]:
    """The optimizer that `make_optimizer` makes for a hidden network, and the training."""
    spec = dropout_network(inputs.draw("optimizer-groups")) | {"conv_bias": True}
    make = Question(MAKE, "optimizer_groups", {"network": spec}, MAKE, limits.seconds)
    return (make, train_question(inputs, limits)) if trains(criterion) else (make,)


def trains(criterion: Criterion) -> bool:
    """True if the criterion needs a training; False if it judges `make_optimizer` alone."""
    params = criterion.params
    return not isinstance(params, Params) or params.of == "training"


def judge(criterion: Criterion, work: Work, key: AnswerKey) -> Verdict:
    """A third of the points per group, for the optimizer that trained the network.

    `make_optimizer` is judged instead if no optimizer trained, or if the criterion says so.
    """
    made = work.evidence[MAKE]
    if trains(criterion):
        return _judge_training(criterion, work.evidence[TRAIN], made)
    if made.outcome.kind == "not_found":
        # A process that has seen the hidden network may not choose the words.
        missing = dataclasses.replace(
            made.outcome, message="a function make_optimizer(model)", output="", traceback=""
        )
        return without_answer(criterion, missing, ASKED_OF_FUNCTION)
    if not made.outcome.answered:
        return without_answer(criterion, made.outcome, ASKED_OF_FUNCTION, hidden=True)
    return _verdict(criterion, made.value, _problems(made.value), ASKED_OF_FUNCTION, hidden=True)


def _judge_training(criterion: Criterion, training: Evidence, made: Evidence) -> Verdict:
    for evidence in (training, made):
        if evidence.outcome.owner == "harness":
            hidden = evidence is made
            return without_answer(criterion, evidence.outcome, ASKED, hidden=hidden)
    observed = training.value["optimizer"] if training.outcome.answered else None
    seen = observed or (made.value if made.outcome.answered else None)
    if seen is None and training.outcome.answered and made.outcome.kind == "not_found":
        reason = (
            "The network was trained without an optimizer of torch.optim, so it has no parameter "
            "groups to check: a person reads the code."
        )
        return needs_marking(criterion, reason, asked=ASKED)
    if seen is None:
        missing = made.outcome.kind == "not_found"
        failure = training if missing and not training.outcome.answered else made
        return without_answer(
            criterion, failure.outcome, ASKED, hidden=failure is made, in_any_form=True
        )
    truth = _truth(seen)
    if observed and not made.outcome.answered and not (truth[0] or truth[1]):
        reason = (
            "The network that trained has neither batch norms nor biases, so its optimizer does "
            "not show how they would be treated: a person reads the code."
        )
        return needs_marking(criterion, reason, asked=ASKED)
    problems = [
        # The hidden network has all three groups; it decides on those that the trained one lacks.
        _problem(group, made.value if not truth[group] and made.outcome.answered else seen)
        for group in range(3)
    ]
    hints = []
    if observed and made.outcome.answered and _pattern(made.value) != _pattern(observed):
        hints.append("make_optimizer() groups parameters unlike the optimizer that trained.")
    rates = _rates(training.value["runs"]) if training.outcome.answered else []
    if rates:
        hints.append(f"Learning rate by epoch: {', '.join(rates)}.")
    return _verdict(criterion, seen, problems, ASKED, hidden=not observed, hints=hints)


def _verdict(
    criterion: Criterion, seen: Mapping[str, Any], problems: Sequence[str], asked: str, *,
    hidden: bool, hints: Sequence[str] = (),
) -> Verdict:
    """A third of the points for each group whose problem is "".

    `seen` is the worker's report of the optimizer; `hidden` if it is for a hidden network.
    """
    truth, wrong = _truth(seen), [problem for problem in problems if problem]
    # The name of the student's optimizer class could reveal the hidden network.
    title = "The optimizer of make_optimizer()" if hidden else seen["optimizer"]
    reason = " ".join(wrong) or (
        f"{title} applies weight decay to {sum(truth[2].values()):,} parameters and none to "
        f"{sum(truth[0].values()) + sum(truth[1].values()):,}. Correct."
    )
    advice = "Give the optimizer one dict per group, each with its own weight_decay."
    return graded(
        criterion, 1 - len(wrong) / 3, reason, asked=asked, hints=tuple(hints),
        next_step=advice if wrong else "",
        tables=(_table(truth, seen["groups"], hidden=hidden),),
        seen={"optimizer": seen["optimizer"]},
    )  # fmt: skip


def _problems(seen: Mapping[str, Any]) -> list[str]:
    """The problem of each group; "" for a correct group."""
    return [_problem(group, seen) for group in range(3)]


def _problem(group: int, seen: Mapping[str, Any]) -> str:
    """The problem of one group, as a sentence for the student; "" if it is correct."""
    wanted, groups = _truth(seen)[group], seen["groups"]
    times = dict.fromkeys(wanted, 0)
    decayed = set()
    for row in groups:
        for name in row["names"]:
            if name in times:
                times[name] += 1
                if row["weight_decay"] > 0:
                    decayed.add(name)
    title = f"({GROUPS[group]})"
    missing = [name for name, count in times.items() if count == 0]
    if missing and wanted:
        return (
            f"{len(missing)} of {len(wanted)} tensors of {NUMERALS[group]} {title} are not in "
            f"the optimizer, such as {missing[0]}."
        )
    if any(count > 1 for count in times.values()):
        return f"Some tensors of {NUMERALS[group]} {title} are in the optimizer twice."
    if group == 2:
        missed = len(set(wanted) - decayed)
        if missed:
            return f"{missed} of {len(wanted)} tensors of (iii) {title} get no weight decay."
        return ""
    if decayed:
        return (
            f"{len(decayed)} of {len(wanted)} tensors of {NUMERALS[group]} {title} get weight "
            "decay and should not."
        )
    return ""


def _truth(seen: Mapping[str, Any]) -> Truth:
    """The three groups of the optimizer's network, trainable parameters only."""
    return truth_of([row for row in seen["structure"] if row[4]])


def _pattern(made: Mapping[str, Any]) -> tuple[bool, ...]:
    return tuple(map(bool, _problems(made)))


def _rates(runs: Rows) -> list[str]:
    """The learning rate at the end of each epoch, without repetitions."""
    rates: list[str] = []
    for run in trainings(runs):
        text = f"{run['lr']:.3g}" if isinstance(run["lr"], (int, float)) else "?"
        if not rates or rates[-1] != text:
            rates.append(text)
    return rates[:12]


def groups_table(optimizer: Mapping[str, Any]) -> Table:
    """A table of the groups of the optimizer that trained, by what they should hold."""
    return _table(_truth(optimizer), optimizer["groups"], hidden=False)


def _table(truth: Truth, groups: list[Mapping[str, Any]], hidden: bool) -> Table:
    columns = ("optimizer group", "weight decay", "of (i)", "of (ii)", "of (iii)")
    rows = []
    for number, row in enumerate(groups[:12], 1):
        names = set(row["names"])
        cells = [f"{sum(n for name, n in part.items() if name in names):,}" for part in truth]
        decay = f"{row['weight_decay']:g}"
        if hidden:
            decay = "yes" if row["weight_decay"] > 0 else "no"
        rows.append((str(number), decay, *cells))
    return Table("Parameters in the optimizer's groups", columns, tuple(rows))


CHECK = Check("optimizer_groups", Params, ask, judge, self_reported=True)
