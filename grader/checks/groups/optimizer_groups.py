"""Weight decay on group (iii), none on (i) and (ii), every trainable parameter exactly once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.checks.check import Check, Work, graded, without_answer
from grader.checks.groups.assignment import GROUPS, Truth, truth_of
from grader.checks.groups.diagnosis import NUMERALS
from grader.checks.hidden_networks import dropout_network
from grader.checks.training_run import TRAIN, train_question, trainings
from grader.records import Evidence, Question, Table, Verdict
from grader.rubric.model import Criterion, Limits, Model

MAKE = "optimizer-groups/make"
ASKED = (
    "The optimizer's parameter groups: weight decay on (iii) all the rest, none on (i) batch-norm "
    "affine parameters and (ii) biases, and each trainable parameter in it exactly once."
)
ASKED_OF_FUNCTION = f"What make_optimizer(model) makes for a network of ours. {ASKED}"


class Params(Model):
    of: Literal["training", "make_optimizer"] = Field(
        "training",
        description="the optimizer that trained, or what make_optimizer makes: nothing is trained",
    )


def ask(criterion: Criterion, inputs: EvalInputs, limits: Limits) -> tuple[Question, ...]:
    """What `make_optimizer` makes for a network of ours, and the optimizer seen in the training."""
    spec = dropout_network(inputs.draw("optimizer-groups")) | {"conv_bias": True}
    make = Question(MAKE, "optimizer_groups", {"network": spec}, MAKE, limits.seconds)
    return (make, train_question(inputs, limits)) if trains(criterion) else (make,)


def trains(criterion: Criterion) -> bool:
    """False for a criterion of this check that asks the function alone."""
    params = criterion.params
    return not isinstance(params, Params) or params.of == "training"


def judge(criterion: Criterion, work: Work, key: AnswerKey) -> Verdict:
    """A third of the points per group. What trained the network counts, where it was seen."""
    made = work.evidence[MAKE]
    if trains(criterion):
        return _judge_training(criterion, work.evidence[TRAIN], made)
    if made.outcome.kind == "not_found":
        # In our words: those of a process that has seen the hidden network are not passed on.
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
            "The network was trained without an optimizer of torch.optim, so there are no groups "
            "to look at: a person reads the code."
        )
        return Verdict(criterion.id, "needs_marking", 0.0, reason, asked=ASKED)
    if seen is None:
        missing = made.outcome.kind == "not_found"
        failure = training if missing and not training.outcome.answered else made
        return without_answer(criterion, failure.outcome, ASKED, hidden=failure is made)
    truth = _truth(seen)
    if observed and not made.outcome.answered and not (truth[0] or truth[1]):
        reason = (
            "The network that trained has neither batch norms nor biases, so its optimizer does "
            "not show whether they would be spared: a person reads the code."
        )
        return Verdict(criterion.id, "needs_marking", 0.0, reason, asked=ASKED)
    problems = [
        # A group that the trained network does not have shows in the optimizer for a network of
        # ours, which has all three.
        _problem(group, made.value if not truth[group] and made.outcome.answered else seen)
        for group in range(3)
    ]
    hints = []
    if observed and made.outcome.answered and _pattern(made.value) != _pattern(observed):
        hints.append("make_optimizer() makes another optimizer than the one that trained.")
    rates = _rates(training.value["runs"]) if training.outcome.answered else []
    if rates:
        hints.append(f"Learning rate as observed: {', '.join(rates)}.")
    return _verdict(criterion, seen, problems, ASKED, hidden=not observed, hints=hints)


def _verdict(
    criterion: Criterion, seen: Mapping[str, Any], problems: Sequence[str], asked: str, *,
    hidden: bool, hints: Sequence[str] = (),
) -> Verdict:
    """A third of the points per group without a problem; `hidden`: seen on a network of ours."""
    truth, wrong = _truth(seen), [problem for problem in problems if problem]
    # What the code calls its optimizer for a network of ours could tell of that network.
    title = "The optimizer of make_optimizer()" if hidden else seen["optimizer"]
    reason = " ".join(wrong) or (
        f"{title} decays {sum(truth[2].values()):,} elements and spares "
        f"{sum(truth[0].values()) + sum(truth[1].values()):,}."
    )
    return graded(
        criterion,
        1 - len(wrong) / 3,
        reason,
        asked=asked,
        hints=tuple(hints),
        next_step="Hand the optimizer one dict per group, each with its own weight_decay."
        if wrong
        else "",
        tables=(_table(truth, seen["groups"], hidden=hidden),),
        seen={"optimizer": seen["optimizer"]},
    )


def _problems(seen: Mapping[str, Any]) -> list[str]:
    """What is wrong with each group of the network that an optimizer was seen with."""
    return [_problem(group, seen) for group in range(3)]


def _problem(group: int, seen: Mapping[str, Any]) -> str:
    """What is wrong with one group of the network that was seen; "" when nothing is."""
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
            f"{len(missing)} of {len(wanted)} parameters of {NUMERALS[group]} {title} are not in "
            f"the optimizer, such as {missing[0]}."
        )
    if any(count > 1 for count in times.values()):
        return f"Parameters of {NUMERALS[group]} {title} stand in the optimizer twice."
    if group == 2:
        spared = set(wanted) - decayed
        if spared:
            return f"{len(spared)} of {len(wanted)} parameters of (iii) {title} are not decayed."
        return ""
    if decayed:
        return (
            f"{len(decayed)} of {len(wanted)} parameters of {NUMERALS[group]} {title} are decayed "
            "and should not be."
        )
    return ""


def _truth(seen: Mapping[str, Any]) -> Truth:
    """The groups of the network that an optimizer was seen with, of what can be trained."""
    return truth_of([row for row in seen["structure"] if row[4]])


def _pattern(made: Mapping[str, Any]) -> tuple[bool, ...]:
    return tuple(map(bool, _problems(made)))


def _rates(runs: list[Mapping[str, Any]]) -> list[str]:
    """The learning rate at the end of each epoch, equal neighbours once."""
    rates: list[str] = []
    for run in trainings(runs):
        text = f"{run['lr']:.3g}" if isinstance(run["lr"], (int, float)) else "?"
        if not rates or rates[-1] != text:
            rates.append(text)
    return rates[:12]


def groups_table(optimizer: Mapping[str, Any]) -> Table:
    """The groups of the optimizer that trained, against what they should hold."""
    return _table(_truth(optimizer), optimizer["groups"], hidden=False)


def _table(truth: Truth, groups: list[Mapping[str, Any]], hidden: bool) -> Table:
    columns = ("group of the optimizer", "weight decay", "of (i)", "of (ii)", "of (iii)")
    rows = []
    for number, row in enumerate(groups[:12], 1):
        names = set(row["names"])
        cells = [f"{sum(n for name, n in part.items() if name in names):,}" for part in truth]
        decay = f"{row['weight_decay']:g}"
        if hidden:
            decay = "yes" if row["weight_decay"] > 0 else "no"
        rows.append((str(number), decay, *cells))
    return Table("Elements in the optimizer's groups", columns, tuple(rows))


CHECK = Check("optimizer_groups", Params, ask, judge, self_reported=True)
