"""The number of parameters in each layer, for ResNet-18 and for networks that nobody has seen."""

from __future__ import annotations

from typing import Any

from grader.answer_key import AnswerKey, Exam
from grader.checks.base import Check, NoParams, Work, graded, without_answer
from grader.checks.drawn_networks import RESNET18, same_family
from grader.records import Question, Table, Verdict
from grader.rubric import Criterion, Limits

PUBLIC = "layer-counts/resnet18"
ASKED = (
    "The number of trainable parameters in each layer of torchvision's resnet18(), and of another "
    "network of the same family."
)


def ask(criterion: Criterion, exam: Exam, limits: Limits) -> tuple[Question, ...]:
    """Counts for ResNet-18 and for the first hidden network of the run."""
    return tuple(
        Question(name, "layer_counts", {"network": spec}, name, limits.seconds)
        for name, spec in {PUBLIC: RESNET18, **_hidden(exam)}.items()
    )


def judge(criterion: Criterion, work: Work, key: AnswerKey) -> Verdict:
    """All of it for right counts per layer; half a network's share for a right total only.

    Counts that are right for ResNet-18 and wrong for the hidden network were not computed: zero.
    """
    public = work.evidence[PUBLIC]
    if not public.outcome.answered:
        return without_answer(criterion, public.outcome, ASKED)
    shares: dict[str, float] = {}
    rows: dict[str, list[list[Any]]] = {}
    for name in (PUBLIC, *_hidden(key.exam)):
        evidence = work.evidence[name]
        if evidence.outcome.owner == "harness":
            return without_answer(criterion, evidence.outcome, ASKED)
        truth = key.value(name)["tables"][0]["pairs"]
        options = evidence.value["tables"] if evidence.outcome.answered else []
        shares[name], rows[name] = _best(options, truth)
    truth = key.value(PUBLIC)["tables"][0]["pairs"]
    total = sum(count for _, count in truth)
    hints = tuple(public.value["notes"])
    hidden = [share for name, share in shares.items() if name != PUBLIC]
    table = _table(rows[PUBLIC], truth)
    if shares[PUBLIC] and not any(hidden):
        reason = (
            "The counts are right for ResNet-18, but for another network of the same family the "
            "answer does not follow the network: the counts seem to be typed in."
        )
        return graded(criterion, 0.0, reason, asked=ASKED, hints=hints,
                      next_step="Compute the counts by walking over the network's layers.")
    fraction = sum(shares.values()) / len(shares)
    if fraction == 1:
        reason = f"Every layer is right; ResNet-18 has {total:,} parameters in all."
        return graded(criterion, fraction, reason, asked=ASKED, hints=hints)
    found = sum(count for _, count in rows[PUBLIC])
    reason = f"ResNet-18 has {total:,} parameters in all; your counts add up to {found:,}."
    if found == total:
        reason = f"The total of {total:,} is right; the counts per layer are not all right."
    if len(rows[PUBLIC]) and found == len(truth):
        reason += " That is the number of layers: count elements (numel), not layers."
    return graded(
        criterion, fraction, reason, asked=ASKED, hints=hints, tables=(table,),
        next_step="Compare with the table; parameter.numel() gives a tensor's elements.",
    )


def _hidden(exam: Exam) -> dict[str, dict[str, Any]]:
    specs = list(same_family(exam.draw("layer-counts")).values())
    return {"layer-counts/hidden": specs[0]}


def _best(options: list[dict[str, Any]], truth: list[list[Any]]) -> tuple[float, list[list[Any]]]:
    """The share that the best of the tables found earns, and that table."""
    scored = [(_share(option["pairs"], truth), option["pairs"]) for option in options]
    return max(scored, key=lambda pair: pair[0], default=(0.0, []))


def _share(pairs: list[list[Any]], truth: list[list[Any]]) -> float:
    wanted = {name: count for name, count in truth if count}
    layers = _per_layer(pairs, set(wanted))
    if layers == wanted:
        return 1.0
    in_order = [count for _, count in pairs if count]
    if in_order == list(wanted.values()):
        return 1.0   # other names (`Conv2d-1`), the same layers
    return 0.5 if sum(layers.values()) == sum(wanted.values()) else 0.0


def _per_layer(pairs: list[list[Any]], layers: set[str]) -> dict[str, int]:
    """Counts by layer; `conv1.weight` counts towards `conv1`, a total towards nothing."""
    counts: dict[str, int] = {}
    for name, count in pairs:
        owner = name
        if name not in layers and name.rpartition(".")[0] in layers:
            owner = name.rpartition(".")[0]
        if count and name.lower() not in ("total", "all", "sum", ""):
            counts[owner] = counts.get(owner, 0) + count
    return counts


def _table(pairs: list[list[Any]], truth: list[list[Any]]) -> Table:
    wanted = {name: count for name, count in truth if count}
    layers = _per_layer(pairs, set(wanted))
    wrong = [name for name, count in wanted.items() if layers.get(name) != count]
    extra = [name for name in layers if name not in wanted]
    rows = [(name, f"{wanted[name]:,}", _shown(layers.get(name))) for name in wrong[:12]]
    rows += [(name, "no such layer", _shown(layers[name])) for name in extra[:6]]
    return Table("Layers that differ", ("layer", "parameters", "yours"), tuple(rows))


def _shown(count: int | None) -> str:
    return "missing" if count is None else f"{count:,}"


CHECK = Check("layer_counts", NoParams, ask, judge, needs_gold=True)
