"""Check `param_groups`: the parameters in three groups, for ResNet-18 and hidden networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.checks.check import (
    Check,
    Work,
    as_exception,
    graded,
    in_short,
    is_of_the_environment,
    needs_marking,
    not_attempted,
    without_answer,
)
from grader.checks.groups.answer import Answer, answer_of, table_of, unassigned
from grader.checks.groups.assignment import GROUPS, NUMERALS, Truth, label
from grader.checks.groups.kinds import parameters_of, truth_of
from grader.checks.groups.param_group_mistakes import diagnose
from grader.checks.groups.partial_credit import (
    RIGHT,
    Layers,
    ListMistakes,
    in_words,
    kept,
    layers_of,
    shares_table,
)
from grader.checks.hidden_networks import (
    RESNET18,
    features_in_words,
    hint_network,
    scored_networks,
)
from grader.records import Evidence, Question, Verdict
from grader.rubric.model import Criterion, Limits, Model

PUBLIC = "parameter-groups/resnet18"
BEYOND = "parameter-groups/beyond"
ASKED = (
    "The parameters of torchvision's resnet18() in three groups: (i) batch-norm affine parameters, "
    "(ii) biases of convolutional and fully connected layers, (iii) all the rest; and the same for "
    "other networks of its family."
)
WANTED = "a function group_parameters(model), or three lists of parameters"
FEW = 3   # a person reviews networks with less than a third of ResNet-18's parameter tensors


class Params(Model):
    """The shares that groups keep in spite of a mistake."""

    mistakes: ListMistakes = Field(
        ListMistakes(), description="share of its points that a group keeps, by mistake"
    )


def ask(criterion: Criterion, inputs: EvalInputs, limits: Limits) -> tuple[Question, ...]:
    """The groups of ResNet-18, of the run's hidden networks, and of one beyond the homework."""
    specs = {PUBLIC: RESNET18, **_hidden(inputs), BEYOND: _beyond(inputs)}
    return tuple(
        Question(name, "parameter_groups", {"network": spec}, name, limits.seconds)
        for name, spec in specs.items()
    )


def judge(criterion: Criterion, work: Work, key: AnswerKey) -> Verdict:
    """A third of the points per group, times the share of the networks that it is right for.

    A group that is right but for one mistake keeps the share that `mistakes` gives it. A group that
    is right for ResNet-18 but for no hidden network was typed in and earns nothing. A group that is
    otherwise wrong for ResNet-18, the network of the homework, earns nothing either.
    """
    public = work.evidence[PUBLIC]
    if not public.outcome.answered:
        return without_answer(criterion, public.outcome, ASKED, in_any_form=True)
    mine = [work.evidence[name] for name in _hidden(key.inputs)]   # BEYOND gives hints only
    others_fault = [evidence for evidence in mine if evidence.outcome.owner != "student"]
    if others_fault:
        others_fault.sort(key=lambda evidence: evidence.outcome.owner != "harness")
        return without_answer(criterion, others_fault[0].outcome, ASKED, hidden=True)
    own_network = not public.value["replaced"]
    truth, layers = truth_from_reference(key, PUBLIC), layers_from_reference(key, PUBLIC)
    if own_network:
        parameters = parameters_of(public.value["structure"])
        truth, layers = truth_of(parameters), layers_of(parameters)
    small = own_network and _is_small(truth, truth_from_reference(key, PUBLIC))
    # Two lists of a small network of the student's own belong to its training, not to this part.
    answer = answer_of(public, truth, layers, two_lists=not small)
    error = public.value.get("error")
    nothing = not any(answer.right) and not any(answer.triple)
    if error and (nothing or (is_of_the_environment(error) and not all(answer.right))):
        return without_answer(criterion, as_exception(public.outcome, error), ASKED)
    others = {name: work.evidence[name] for name in ([] if own_network else _hidden(key.inputs))}
    doubt = _doubt(public, answer, truth, truth_from_reference(key, PUBLIC)) or unassigned(
        answer,
        [(public, truth)],
        [(one, truth_from_reference(key, n)) for n, one in others.items()],
    )
    if doubt:
        seen = {"counts": list(answer.counts)}
        return needs_marking(criterion, doubt, asked=ASKED, seen=seen)
    if not _begun(public, answer, truth):
        why = f"no groups of parameters were found in your code. Expected: {WANTED}."
        return not_attempted(criterion, why, asked=ASKED, hints=tuple(public.value["notes"]),
                             next_step="Add them, or rename what you have.")
    hidden = [
        answer_of(one, truth_from_reference(key, n), layers_from_reference(key, n), answer)
        for n, one in others.items()
    ]
    leaves = _mistakes(criterion)
    shares = [_share(group, answer, hidden, leaves) for group in range(3)]
    fraction = sum(shares) / 3
    problems = diagnose(answer.triple, answer.by_count, answer.counts, truth, answer.joined)
    typed_in = [NUMERALS[g] for g in range(3) if kept(answer.mistakes[g], leaves) and not shares[g]]
    outcomes = [work.evidence[name].outcome for name in _hidden(key.inputs)]
    if typed_in and not any(outcome.answered for outcome in outcomes):
        problems.append(
            f"Group {', '.join(typed_in)} is right for ResNet-18, but for other networks of the "
            f"same family your code gives no answer: {in_short(outcomes[0])}."
        )
    elif typed_in:
        problems.append(
            f"Group {', '.join(typed_in)} is right for ResNet-18 but wrong for other networks of "
            "the same family. Compute it from the network's layers."
        )
    for name, other in zip(others, hidden, strict=True):
        wrong = [
            NUMERALS[g] for g in range(3)
            if answer.right[g] and 0 < shares[g] < 1 and not other.right[g]
        ]
        if wrong:
            problems.append(
                f"Group {', '.join(wrong)} is right for ResNet-18 but wrong for a network of the "
                f"same family with {features_in_words(_hidden(key.inputs)[name])}."
            )
    hints = [*public.value["notes"], *_beyond_hint(work.evidence[BEYOND], key, answer)]
    if error:
        hints.append(f"Your code raised an exception: {error['message']}.")
    if own_network:
        hints.append(
            "The groups are of a network class of your own, so they were not tested on other "
            "networks."
        )
    network = "your network" if own_network else "ResNet-18"
    reason = " ".join(problems) if fraction < 1 and problems else _summary(shares, truth)
    return graded(
        criterion, fraction, reason, asked=ASKED, hints=tuple(hints),
        next_step="" if fraction == 1 else "Compare the table with your groups; isinstance tells "
        "the type of a layer.",
        tables=(
            table_of(answer, truth, network),
            *shares_table(shares, _reasons(answer, truth, layers)),
        ),
        seen={
            "lists": [chosen.label if chosen else None for chosen in answer.triple],
            "right_for_resnet18": list(answer.right),
            "right_for_hidden": [list(other.right) for other in hidden],
        },
    )


def _begun(public: Evidence, answer: Answer, truth: Truth) -> bool:
    """True if there is a list of some parameters, or a count: somebody began to group them."""
    everything = frozenset().union(*truth)
    some = any(row["names"] and set(row["names"]) != everything for row in public.value["lists"])
    return some or any(answer.triple) or any(count is not None for count in answer.counts)


def _doubt(public: Evidence, answer: Answer, truth: Truth, resnet18: Truth) -> str:
    """Why a person must judge a right answer; "" if the grader can."""
    if not any(answer.right):
        return ""
    if not public.value["replaced"]:
        # Without another network in its place, typed-in numbers look like computed ones.
        if any(map(min, answer.by_count, answer.right)):   # a right count
            return "Only counts for your own network class were found: a person reads the code."
        if _is_small(truth, resnet18):
            return (
                f"The groups are of a network of your own with {sum(map(len, truth))} parameter "
                "tensors, few enough to be grouped by hand: a person reads the code."
            )
    unnamed = {frozenset(r["names"]) for r in public.value["lists"] if label(r["name"]) is None}
    unnamed -= {frozenset().union(*truth)}   # `params`: a list of all parameters is no group
    shared = sum(map(len, unnamed)) > len(frozenset().union(*unnamed))
    clear = all(chosen is not None and chosen.named for chosen in answer.triple)
    if public.value["form"] == "function" and len(unnamed) > 3 and shared and not clear:
        return (
            f"Your function returned {len(unnamed)} overlapping lists, and no names say which "
            "three of them are the groups: a person reads the code."
        )
    return ""


def _is_small(truth: Truth, resnet18: Truth) -> bool:
    return FEW * sum(map(len, truth)) < sum(map(len, resnet18))


def truth_from_reference(key: AnswerKey, question: str) -> Truth:
    """The reference solution's groups: number of elements by parameter name."""
    value = key.value(question)
    sizes = {one.name: one.elements for one in parameters_of(value["structure"])}
    first, second, third = ({n: sizes[n] for n in row["names"]} for row in value["lists"])
    return first, second, third


def layers_from_reference(key: AnswerKey, question: str) -> Layers:
    """The layers of a network, as the reference solution's worker described it."""
    return layers_of(parameters_of(key.value(question)["structure"]))


def _hidden(inputs: EvalInputs) -> dict[str, dict[str, Any]]:
    specs = scored_networks(inputs.draw("parameter-groups"))
    return {f"parameter-groups/hidden-{number}": spec for number, spec in enumerate(specs, 1)}


def _beyond(inputs: EvalInputs) -> dict[str, Any]:
    return hint_network(inputs.draw("beyond"))


def _mistakes(criterion: Criterion) -> ListMistakes:
    params = criterion.params
    return params.mistakes if isinstance(params, Params) else ListMistakes()


def _share(group: int, answer: Answer, hidden: Sequence[Answer], leaves: ListMistakes) -> float:
    """The share of its points that a group earns: the mean over the networks.

    Nothing if no other network has the same group, right or with the same mistake: typed in.
    """
    mistake, *others = (one.mistakes[group] for one in (answer, *hidden))
    if others and not {RIGHT, mistake} & set(others):
        return 0.0
    if not kept(mistake, leaves):
        return 0.0
    return sum(kept(one, leaves) for one in (mistake, *others)) / (1 + len(others))


def _reasons(answer: Answer, truth: Truth, layers: Layers) -> list[str]:
    """Return each group's mistake for ResNet-18, or for another network if that one is right."""
    found = []
    for mistake, chosen, own in zip(answer.mistakes, answer.triple, truth, strict=True):
        wrong = set(chosen.names) ^ set(own) if chosen else set()
        found.append(in_words(mistake, wrong, layers))
    return found


def _beyond_hint(evidence: Evidence, key: AnswerKey, public: Answer) -> list[str]:
    if not evidence.outcome.answered or not evidence.value["replaced"]:
        return []
    truth, layers = truth_from_reference(key, BEYOND), layers_from_reference(key, BEYOND)
    right = answer_of(evidence, truth, layers, public).right
    wrong = [NUMERALS[g] for g in range(3) if public.right[g] and not right[g]]
    features = features_in_words(_beyond(key.inputs))
    return [
        f"Beyond the homework, at no cost: for a network with {features}, "
        f"these groups differ from the reference solution's: {', '.join(wrong)}."
    ] if wrong else []


def _summary(shares: Sequence[float], truth: Truth) -> str:
    right = [
        f"{NUMERALS[g]} {GROUPS[g]}, {sum(truth[g].values()):,} parameters"
        for g in range(3) if shares[g] == 1
    ]
    return f"Correct: {'; '.join(right)}." if right else "None of the three groups is right."


CHECK = Check(
    "param_groups", Params, ask, judge, needs_reference=True, known_to_worker=True
)
