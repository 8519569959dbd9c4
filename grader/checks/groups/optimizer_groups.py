"""Check `optimizer_groups`: weight decay on group (iii) only, each parameter exactly once."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.checks.check import Check, Work, graded, needs_marking, without_answer
from grader.checks.groups.assignment import NUMERALS
from grader.checks.groups.optimizer_problems import (
    Problem,
    Seen,
    groups_table,
    problem_of,
    problems_of,
    trainable,
)
from grader.checks.groups.partial_credit import Mistakes, kept, shares_table
from grader.checks.hidden_networks import dropout_network
from grader.checks.training_run import TRAIN, Rows, train_question, trainings
from grader.records import Evidence, Question, Verdict
from grader.rubric.model import Criterion, Limits, Model

MAKE = "optimizer-groups/make"
ASKED = (
    "The optimizer's parameter groups: weight decay on (iii) all the rest, none on (i) batch-norm "
    "affine parameters and (ii) biases, and each trainable parameter in it exactly once."
)
# By kind, as the worker reports it: why the groups may not tell what was decayed.
DOUBTS = {
    "another": "Two optimizers with different weight decay trained the same parameters, and the "
    "one that took fewer steps changed them more",
    "unexplained": "Steps of your optimizer change the weights in a way that gradients and weight "
    "decay do not explain",
}
NO_TRAINING = "No training was seen, so the optimizer that your code builds was judged."
ASKED_OF_FUNCTION = f"The optimizer that make_optimizer(model) makes for a test network. {ASKED}"


class Params(Model):
    """Which optimizer is judged, and the shares that groups keep in spite of a mistake."""

    of: Literal["training", "make_optimizer"] = Field(
        "training",
        description="the optimizer that trained, or what make_optimizer makes: nothing is trained",
    )
    mistakes: Mistakes = Field(
        Mistakes(), description="share of its points that a group keeps, by mistake"
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

    A group that is right but for one mistake keeps the share that `mistakes` gives it.
    `make_optimizer` is judged instead if no optimizer trained, or if the criterion says so; without
    it, an optimizer that was built and took no step.
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
    return _verdict(
        criterion, made.value, problems_of(made.value), ASKED_OF_FUNCTION, hidden=True
    )


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
    unused = training.value["built"] if training.value and not training.outcome.answered else []
    if seen is None and unused:
        return _judge_unused(criterion, unused)
    if seen is None:
        # What ends the training as well, or the file's loading, is not due to the hidden network.
        unread = training.outcome.phase == "load" and training.outcome.kind != "not_found"
        also = made.outcome.kind in ("not_found", training.outcome.kind)
        tells_more = also or unread or training.outcome.owner == "environment"
        failure = training if tells_more and not training.outcome.answered else made
        return without_answer(
            criterion, failure.outcome, ASKED, hidden=failure is made, in_any_form=True
        )
    truth = trainable(seen)
    if observed and not made.outcome.answered and not (truth[0] or truth[1]):
        reason = (
            "The network that trained has neither batch norms nor biases, so its optimizer does "
            "not show how they would be treated: a person reads the code."
        )
        return needs_marking(criterion, reason, asked=ASKED)
    plain = {**seen, "penalised": ()}
    problems = [
        # The hidden network has all three groups; it decides on those that the trained one lacks.
        problem_of(group, made.value if not truth[group] and made.outcome.answered else plain)
        for group in range(3)
    ]
    if observed and observed.get("doubt"):
        reason = f"{DOUBTS[observed['doubt']]}. A person reads the code."
        return _by_a_person(criterion, observed, reason)
    if observed and problems_of(observed) != problems_of({**observed, "penalised": ()}):
        return _penalised(criterion, observed)
    hints = []
    if observed and made.outcome.answered and _pattern(made.value) != _pattern(observed):
        hints.append("make_optimizer() groups parameters unlike the optimizer that trained.")
    rates = _rates(training.value["runs"]) if training.outcome.answered else []
    if rates:
        hints.append(f"Learning rate by epoch: {', '.join(rates)}.")
    return _verdict(criterion, seen, problems, ASKED, hidden=not observed, hints=hints)


def _penalised(criterion: Criterion, seen: Seen) -> Verdict:
    """Leaves weight decay by hand to a person, with what it would earn as weight decay."""
    sizes = [
        f"{sum(size for name, size in group.items() if name in seen['penalised']):,} of "
        f"{sum(group.values()):,} parameters of {numeral}"
        for numeral, group in zip(NUMERALS, trainable(seen), strict=True)
    ]
    reason = (
        f"Your loss has a penalty on {', '.join(sizes)}: weight decay by hand. A person reads the "
        "code."
    )
    return _by_a_person(criterion, seen, reason)


def _by_a_person(criterion: Criterion, seen: Seen, reason: str) -> Verdict:
    """Leaves an optimizer to a person, with what its groups would earn."""
    found = _verdict(criterion, seen, problems_of(seen), ASKED, hidden=False)
    seen_by_marker = {"would_earn": found.fraction, "without_doubt": found.reason}
    return needs_marking(criterion, reason, asked=ASKED, tables=found.tables, seen=seen_by_marker)


def _judge_unused(criterion: Criterion, built: Sequence[Seen]) -> Verdict:
    """The verdict on optimizers that were built, where no training was seen."""
    verdicts = [
        _verdict(criterion, seen, problems_of(seen), ASKED, hidden=False, hints=(NO_TRAINING,))
        for seen in built
    ]
    if len({verdict.fraction for verdict in verdicts}) > 1:
        reason = (
            f"No training was seen, and your code builds {len(built)} different optimizers: a "
            "person decides which of them is meant."
        )
        return needs_marking(
            criterion, reason, asked=ASKED,
            tables=tuple(table for verdict in verdicts for table in verdict.tables),
        )  # fmt: skip
    return verdicts[-1]


def _verdict(
    criterion: Criterion, seen: Seen, problems: Sequence[Problem], asked: str, *,
    hidden: bool, hints: Sequence[str] = (),
) -> Verdict:
    """A third of the points for each group, or the share of it that a mistake leaves.

    `seen` is the worker's report of the optimizer; `hidden` if it is for a hidden network.
    """
    truth, wrong = trainable(seen), [problem.text for problem in problems if problem.text]
    # The name of the student's optimizer class could reveal the hidden network.
    title = "The optimizer of make_optimizer()" if hidden else seen["optimizer"]
    reason = " ".join(wrong) or (
        f"{title} applies weight decay to {sum(truth[2].values()):,} parameters and none to "
        f"{sum(truth[0].values()) + sum(truth[1].values()):,}. Correct."
    )
    params = criterion.params
    leaves = params.mistakes if isinstance(params, Params) else Mistakes()
    shares = [kept(problem.mistake, leaves) for problem in problems]
    advice = "Give the optimizer one dict per group, each with its own weight_decay."
    return graded(
        criterion, sum(shares) / 3, reason, asked=asked, hints=tuple(hints),
        next_step=advice if wrong else "",
        tables=(
            groups_table(seen, hidden=hidden),
            *shares_table(shares, [problem.reason for problem in problems]),
        ),
        seen={"optimizer": seen["optimizer"]},
    )  # fmt: skip


def _pattern(seen: Seen) -> tuple[bool, ...]:
    return tuple(bool(problem.text) for problem in problems_of(seen))


def _rates(runs: Rows) -> list[str]:
    """The learning rate at the end of each epoch, without repetitions."""
    rates: list[str] = []
    for run in trainings(runs):
        text = f"{run['lr']:.3g}" if isinstance(run["lr"], (int, float)) else "?"
        if not rates or rates[-1] != text:
            rates.append(text)
    return rates[:12]


CHECK = Check("optimizer_groups", Params, ask, judge, self_reported=True)
