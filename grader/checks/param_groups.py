"""The parameters in three groups: by identity for ResNet-18, and again for hidden networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grader.answer_key import AnswerKey, Exam
from grader.checks.base import Check, NoParams, Work, graded, in_short, without_answer
from grader.checks.choosing import (
    GROUPS,
    Chosen,
    Triple,
    Truth,
    choose,
    choose_again,
    label,
    truth_of,
)
from grader.checks.diagnosing import diagnose
from grader.checks.drawn_networks import RESNET18, beyond, same_family
from grader.records import Evidence, Question, Table, Verdict
from grader.rubric import Criterion, Limits

PUBLIC = "parameter-groups/resnet18"
BEYOND = "parameter-groups/beyond"
NUMERALS = ("(i)", "(ii)", "(iii)")
ASKED = (
    "The parameters of torchvision's resnet18() in three groups: (i) batch-norm affine parameters, "
    "(ii) biases of convolutional and fully connected layers, (iii) all the rest; and the same for "
    "other networks of its family."
)
FEW = 3   # An own network with less than a third of ResNet-18's parameter tensors is looked at.
NOTHING = (None, None, None)
NONE = (False, False, False)


@dataclass(frozen=True)
class Answer:
    """What counts as the student's groups of one network, and which of them are right."""

    triple: Triple
    right: tuple[bool, bool, bool]
    counts: tuple[int | None, int | None, int | None]


def ask(criterion: Criterion, exam: Exam, limits: Limits) -> tuple[Question, ...]:
    """ResNet-18, the hidden networks of this run, and one beyond the homework."""
    specs = {PUBLIC: RESNET18, **_hidden(exam), BEYOND: beyond(exam.draw("beyond"))}
    return tuple(
        Question(name, "parameter_groups", {"network": spec}, name, limits.seconds)
        for name, spec in specs.items()
    )


def judge(criterion: Criterion, work: Work, key: AnswerKey) -> Verdict:
    """A third of the points per group: for each, the share of the networks that it is right for.

    A group that is right for ResNet-18 and for no hidden network was typed in and earns nothing;
    so does a group that is wrong for ResNet-18, the network that the homework names.
    """
    public = work.evidence[PUBLIC]
    if not public.outcome.answered:
        return without_answer(criterion, public.outcome, ASKED)
    mine = [work.evidence[name] for name in (*_hidden(key.exam), BEYOND)]
    harness = [evidence for evidence in mine if evidence.outcome.owner == "harness"]
    if harness:
        return without_answer(criterion, harness[0].outcome, ASKED, hidden=True)
    own_network = not public.value["replaced"]
    truth = truth_of(public.value["structure"]) if own_network else truth_from_gold(key, PUBLIC)
    answer = _answer(public, truth)
    doubt = _doubt(public, answer, truth, truth_from_gold(key, PUBLIC))
    if doubt:
        seen = {"counts": list(answer.counts)}
        return Verdict(criterion.id, "needs_marking", 0.0, doubt, asked=ASKED, seen=seen)
    hidden = [] if own_network else [
        _answer(work.evidence[name], truth_from_gold(key, name), answer)
        for name in _hidden(key.exam)
    ]
    shares = [_share(group, answer, hidden) for group in range(3)]
    fraction = sum(shares) / 3
    problems = diagnose(answer.triple, answer.counts, truth)
    typed_in = [NUMERALS[g] for g in range(3) if answer.right[g] and not shares[g]]
    outcomes = [work.evidence[name].outcome for name in _hidden(key.exam)]
    if typed_in and not any(outcome.answered for outcome in outcomes):
        problems.append(
            f"Group {', '.join(typed_in)} is right for ResNet-18, but for other networks of the "
            f"same family there is no answer: {in_short(outcomes[0])}."
        )
    elif typed_in:
        problems.append(
            f"Group {', '.join(typed_in)} is right for ResNet-18 but does not follow the network: "
            "for other networks of the same family it is wrong. Compute it from the layers."
        )
    partly = [NUMERALS[g] for g in range(3) if 0 < shares[g] < 1]
    if partly:
        problems.append(
            f"Group {', '.join(partly)} is right for ResNet-18 and wrong for a network of the same "
            "family: of another depth and width, or with biases in its convolutions."
        )
    hints = [*public.value["notes"], *_beyond_hint(work.evidence[BEYOND], key, answer)]
    if own_network:
        hints.append(
            "The groups are of a network class of your own, so no other network could be put in "
            "its place."
        )
    return graded(
        criterion,
        fraction,
        " ".join(problems) if fraction < 1 and problems else _summary(shares, truth),
        asked=ASKED,
        hints=tuple(hints),
        next_step="" if fraction == 1 else "Decide by the layer's type (isinstance), not by name.",
        tables=(_table(answer, truth),),
        seen={
            "lists": [chosen.label if chosen else None for chosen in answer.triple],
            "right_for_resnet18": list(answer.right),
            "right_for_hidden": [list(other.right) for other in hidden],
        },
    )


def _doubt(public: Evidence, answer: Answer, truth: Truth, resnet18: Truth) -> str:
    """Why only a person can tell what a right answer is worth; "" where there is no such doubt."""
    if not any(answer.right):
        return ""
    if not public.value["replaced"]:
        # Computed or typed in? Without another network in its place nobody can tell from here.
        if not any(answer.triple):
            return "Only counts of a network class of your own were found: a person reads the code."
        tensors = sum(map(len, truth))
        if FEW * tensors < sum(map(len, resnet18)):
            return (
                f"The groups are of a network of your own with {tensors} parameters, few enough "
                "to be grouped by hand: a person reads the code."
            )
    unnamed = {frozenset(r["names"]) for r in public.value["lists"] if label(r["name"]) is None}
    unnamed -= {frozenset().union(*truth)}   # `params`: all of them are no group
    shared = sum(map(len, unnamed)) > len(frozenset().union(*unnamed))
    if public.value["form"] == "function" and len(unnamed) > 3 and shared:
        return (
            f"{len(unnamed)} lists were returned that share parameters, and nothing says which "
            "three of them are the answer: a person reads the code."
        )
    return ""


def truth_from_gold(key: AnswerKey, question: str) -> Truth:
    """The reference's groups: name -> elements."""
    value = key.value(question)
    sizes = {row[0]: row[1] for row in value["structure"]}
    first, second, third = (
        {name: sizes[name] for name in row["names"]} for row in value["lists"]
    )
    return first, second, third


def _hidden(exam: Exam) -> dict[str, dict[str, Any]]:
    specs = same_family(exam.draw("parameter-groups")).values()
    return {f"parameter-groups/hidden-{number}": spec for number, spec in enumerate(specs, 1)}


def _answer(evidence: Evidence, truth: Truth, public: Answer | None = None) -> Answer:
    """What the student answers for one network; for others, what was chosen for the public one."""
    if not evidence.outcome.answered:
        return Answer(NOTHING, NONE, NOTHING)
    lists = evidence.value["lists"]
    triple = choose_again(lists, public.triple) if public else choose(lists, truth)
    if any(public.triple if public else triple):
        right = tuple(_is_right(c, truth[g]) for g, c in enumerate(triple))
        counts = tuple(
            sum(_size_in(truth, name) for name in c.names) if c else None for c in triple
        )
    else:
        counts = _labelled(evidence.value["numbers"])
        right = tuple(counts[g] == sum(truth[g].values()) for g in range(3))
    return Answer(triple, right, counts)  # type: ignore[arg-type]  # three of each by construction


def _is_right(chosen: Chosen | None, truth: Mapping[str, int]) -> bool:
    return (
        chosen is not None
        and not chosen.foreign
        and not chosen.buffers
        and len(chosen.names) == len(set(chosen.names))
        and set(chosen.names) == set(truth)
    )


def _size_in(truth: Truth, name: str) -> int:
    return next((group[name] for group in truth if name in group), 0)


def _labelled(numbers: Sequence[Mapping[str, Any]]) -> tuple[int | None, ...]:
    """The last whole number whose name speaks of each group."""
    found: dict[int, int] = {}
    for row in sorted(numbers, key=lambda row: (row["cell"], row["line"])):
        group = label(row["name"])
        if group is not None:
            found[group] = row["value"]
    return tuple(found.get(group) for group in range(3))


def _share(group: int, answer: Answer, hidden: Sequence[Answer]) -> float:
    if not answer.right[group]:
        return 0.0
    others = [other.right[group] for other in hidden]
    if others and not any(others):
        return 0.0
    return (1 + sum(others)) / (1 + len(others))


def _beyond_hint(evidence: Evidence, key: AnswerKey, public: Answer) -> list[str]:
    if not evidence.outcome.answered or not evidence.value["replaced"]:
        return []
    right = _answer(evidence, truth_from_gold(key, BEYOND), public).right
    if all(right):
        return []
    return [
        "Beyond the homework, and without cost: on a network with BatchNorm1d, GroupNorm, shared "
        "and frozen parameters the groups differ from the reference's."
    ]


def _summary(shares: Sequence[float], truth: Truth) -> str:
    right = [
        f"{NUMERALS[g]} {GROUPS[g]}, {sum(truth[g].values()):,} elements"
        for g in range(3) if shares[g] == 1
    ]
    if not right:
        return "None of the three groups is right."
    return f"Right: {'; '.join(right)}."


def _table(answer: Answer, truth: Truth) -> Table:
    """Truth down, student's groups across, in elements."""
    columns = ("truth", "elements", "in your (i)", "in your (ii)", "in your (iii)", "nowhere")
    rows = []
    for group, names in enumerate(truth):
        total = sum(names.values())
        title = f"{NUMERALS[group]} {GROUPS[group]}"
        if not any(answer.triple):
            count = answer.counts[group]
            own = [f"{count:,}" if g == group and count else "" for g in range(3)]
            rows.append((title, f"{total:,}", *own, ""))
            continue
        cells = [
            sum(names.get(name, 0) for name in chosen.names) if chosen else 0
            for chosen in answer.triple
        ]
        held = {name for chosen in answer.triple if chosen for name in chosen.names}
        nowhere = sum(size for name, size in names.items() if name not in held)
        rows.append((title, f"{total:,}", *(f"{cell:,}" for cell in cells), f"{nowhere:,}"))
    return Table("Elements of ResNet-18's parameters", columns, tuple(rows))


CHECK = Check("param_groups", NoParams, ask, judge, needs_gold=True)
