"""The number of parameters in each layer, for ResNet-18 and for networks that nobody has seen."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from typing import Any

from grader.answer_key import AnswerKey, Exam
from grader.checks.base import Check, NoParams, Work, graded, in_short, without_answer
from grader.checks.drawn_networks import RESNET18, same_family
from grader.records import Evidence, Question, Table, Verdict
from grader.rubric import Criterion, Limits

Pairs = list[list[Any]]     # [name, count] per layer
Found = Mapping[str, Any]   # a table as a worker found it

PUBLIC = "layer-counts/resnet18"
ASKED = (
    "The number of trainable parameters in each layer of torchvision's resnet18(), and of another "
    "network of the same family."
)
WANTED = (
    "a function layer_parameter_counts(model), or a dictionary from layer to number of parameters"
)
ENOUGH_PRINTED = 8   # different counts among what is printed that make it worth a person's time

_TOTAL = re.compile(r"total|^(all|sum)$", re.I)
# At most 15 digits, also with separators: a search without that bound is quadratic.
_NUMBER = re.compile(r"(?<![\w.])(?:\d{1,3}(?:[,_']\d{3}){1,4}|\d{1,15})(?![\w]|[.,]\d)")


def ask(criterion: Criterion, exam: Exam, limits: Limits) -> tuple[Question, ...]:
    """Counts for ResNet-18 and for the first hidden network of the run."""
    return tuple(
        Question(name, "layer_counts", {"network": spec}, name, limits.seconds)
        for name, spec in {PUBLIC: RESNET18, **_hidden(exam)}.items()
    )


def judge(criterion: Criterion, work: Work, key: AnswerKey) -> Verdict:
    """All of it for right counts per layer; half a network's share for a right total only.

    Counts that are right for ResNet-18 and wrong for the hidden network were not computed: zero.
    Where no other network could be put in the student's, a person tells computed from typed in.
    """
    public = work.evidence[PUBLIC]
    if not public.outcome.answered:
        return without_answer(criterion, public.outcome, ASKED)
    truth = key.value(PUBLIC)["tables"][0]["pairs"]
    chosen = _choose(public.value["tables"], truth)
    shares = [_share(chosen, truth)]
    if "printed" in public.value and not shares[0] and not _speaks_of_layers(chosen, truth):
        return _printed(criterion, public, truth)
    replaced = public.value["replaced"]
    if shares[0] and not replaced:
        return _cannot_tell(criterion, chosen)
    hidden = _hidden(key.exam) if replaced else {}
    for name in hidden:
        evidence = work.evidence[name]
        if evidence.outcome.owner == "harness":
            return without_answer(criterion, evidence.outcome, ASKED, hidden=True)
        options = evidence.value["tables"] if evidence.outcome.answered else []
        shares.append(_share(_same(options, chosen), key.value(name)["tables"][0]["pairs"]))
    hints = tuple(public.value["notes"])
    if shares[0] and hidden and not any(shares[1:]):
        reason = (
            "The counts are right for ResNet-18, but for another network of the same family the "
            "answer does not follow the network: the counts seem to be typed in."
        )
        failed = [work.evidence[name].outcome for name in hidden]
        if not any(outcome.answered for outcome in failed):
            reason = (
                "The counts are right for ResNet-18, but for another network of the same family "
                f"there is no answer: {in_short(failed[0])}."
            )
        return graded(criterion, 0.0, reason, asked=ASKED, hints=hints,
                      next_step="Compute the counts by walking over the network's layers.")
    fraction = sum(shares) / len(shares)
    total = sum(count for _, count in truth)
    if fraction == 1:
        reason = f"Every layer is right; ResNet-18 has {total:,} parameters in all."
        return graded(criterion, fraction, reason, asked=ASKED, hints=hints)
    pairs = chosen["pairs"] if chosen else []
    return graded(
        criterion, fraction, _difference(pairs, truth), asked=ASKED, hints=hints,
        tables=(_table(pairs, truth),),
        next_step="Compare with the table; parameter.numel() gives a tensor's elements.",
    )


def _printed(criterion: Criterion, public: Evidence, truth: Pairs) -> Verdict:
    """A script without a table of its layers: a person reads a printout that looks like one."""
    output = public.outcome.output
    numbers = {int(re.sub(r"[,_']", "", text)) for text in _NUMBER.findall(output)}
    counts = {count for _, count in truth if count}
    if len(numbers & counts) >= min(ENOUGH_PRINTED, len(counts)):
        reason = "The counts are printed only, and kept in no dictionary: a person reads them."
        return Verdict(criterion.id, "needs_marking", 0.0, reason, asked=ASKED,
                       seen={"output": output[-4000:]})
    printed = "; and what the code prints does not hold the counts of ResNet-18's layers"
    reason = f"This was not found: {WANTED}{printed if numbers else ''}."
    return graded(criterion, 0.0, reason, asked=ASKED, hints=tuple(public.value["notes"]),
                  seen={"output": output[-4000:]} if output else {},
                  next_step="Add it, or rename what you have; the starter shows the names.")


def _cannot_tell(criterion: Criterion, chosen: Found | None) -> Verdict:
    reason = (
        "The counts of ResNet-18 are right. No other network could be put in the place of the one "
        "that your code builds, so they cannot be told from counts that are typed in: a person "
        "reads the code."
    )
    counts = chosen["pairs"] if chosen else []
    return Verdict(criterion.id, "needs_marking", 0.0, reason, asked=ASKED,
                   seen={"counts": counts})


def _difference(pairs: Pairs, truth: Pairs) -> str:
    """What is wrong with counts that are not all right, in a sentence or two."""
    total = sum(count for _, count in truth)
    if not pairs:
        return f"This was not found: {WANTED}."
    wanted = {name: count for name, count in truth if count}
    if not _covers(pairs, wanted):
        found = _stated_total(pairs, wanted)
        right = f"The total of {total:,} is right" if found == total else (
            f"ResNet-18 has {total:,} parameters in all, and {found:,} was found"
            if found is not None
            else f"ResNet-18 has {total:,} parameters in all"
        )
        return f"{right}; counts per layer were not found.{_layers_counted(found, truth)}"
    found = sum(_per_layer(pairs, wanted).values())
    if total in (found, _stated_total(pairs, wanted), _sum(pairs)):
        return f"The total of {total:,} is right; the counts per layer are not all right."
    reason = f"ResNet-18 has {total:,} parameters in all; your counts add up to {found:,}."
    return reason + _layers_counted(found, truth)


def _layers_counted(found: int | None, truth: Pairs) -> str:
    if found not in (len(truth), sum(1 for _, count in truth if count)):
        return ""
    return " That is the number of layers: count elements (numel), not layers."


def _hidden(exam: Exam) -> dict[str, dict[str, Any]]:
    specs = list(same_family(exam.draw("layer-counts")).values())
    return {"layer-counts/hidden": specs[0]}


def _choose(options: Sequence[Found], truth: Pairs) -> Found | None:
    """The table that counts: the last one bound of those that speak of the network's layers.

    One that speaks of most of the layers goes before one that speaks of a few. Where none does, a
    right total is looked for.
    """
    wanted = {name: count for name, count in truth if count}
    in_order = [
        option for _, option in sorted(
            enumerate(options), key=lambda pair: (pair[1]["cell"], pair[1]["line"], pair[0])
        )
    ]
    covering = [(_covers(option["pairs"], wanted), option) for option in in_order]
    for least in (0.5, 0.0):
        last = [option for share, option in covering if share > least]
        if last:
            return last[-1]
    right = [option for option in in_order if _share(option, truth)]
    totals = [o for o in in_order if _stated_total(o["pairs"], wanted) is not None]
    return next(reversed(right or totals), None)


def _same(options: Sequence[Found], chosen: Found | None) -> Found | None:
    """For another network: what stands under the same name in the same place."""
    if chosen is None:
        return None
    named = [option for option in options if option["name"] == chosen["name"]]
    placed = [option for option in named if _place(option) == _place(chosen)]
    return next(reversed(placed or named), None)


def _place(option: Found) -> Any:
    return option.get("origin", option["frame"])


def _speaks_of_layers(option: Found | None, truth: Pairs) -> bool:
    wanted = {name: count for name, count in truth if count}
    return option is not None and _covers(option["pairs"], wanted) > 0


def _covers(pairs: Pairs, wanted: Mapping[str, int]) -> float:
    """How many of the layers a table speaks of, by name or by its length, as a fraction."""
    owners = {_owner(name, wanted) for name, _ in pairs}
    named = len(owners & set(wanted)) / max(1, len(wanted))
    return named or float(len(_sequence(pairs)) == len(wanted) > 1)


def _share(option: Found | None, truth: Pairs) -> float:
    if option is None:
        return 0.0
    pairs = option["pairs"]
    wanted = {name: count for name, count in truth if count}
    if _per_layer(pairs, wanted) == wanted:
        return 1.0
    if _sequence(pairs) == list(wanted.values()):
        return 1.0   # other names (`Conv2d-1`), the same layers
    total = sum(wanted.values())
    sums = (_sum(pairs), sum(_per_layer(pairs, wanted).values()), _stated_total(pairs, wanted))
    return 0.5 if total in sums else 0.0


def _sequence(pairs: Pairs) -> list[int]:
    """The counts in their order, without a total after them."""
    counts = [count for name, count in pairs if count and not _TOTAL.search(name)]
    if len(counts) > 2 and counts[-1] == sum(counts[:-1]):
        counts.pop()
    return counts


def _sum(pairs: Pairs) -> int:
    return sum(_sequence(pairs))


def _stated_total(pairs: Pairs, wanted: Mapping[str, int]) -> int | None:
    """A total beside the counts per layer or instead of them, whatever it is called."""
    others = [(name, count) for name, count in pairs if count and _owner(name, wanted) == name
              and name not in wanted]
    named: list[int] = [count for name, count in others if _TOTAL.search(name)]
    if not named and len(others) == 1:
        named = [others[0][1]]
    return named[-1] if named else None


def _owner(name: str, layers: Container[str]) -> str:
    """The layer that a name belongs to: `conv1` for `conv1.weight`."""
    above = name.rpartition(".")[0]
    return above if name not in layers and above in layers else name


def _per_layer(pairs: Pairs, wanted: Mapping[str, int]) -> dict[str, int]:
    """Counts by layer; a total counts towards nothing, nor does a right sum over a part."""
    counts: dict[str, int] = {}
    for name, count in pairs:
        owner = _owner(name, wanted)
        if count:
            counts[owner] = counts.get(owner, 0) + count
    of_layers = sum(count for name, count in counts.items() if name in wanted)
    return {
        name: count
        for name, count in counts.items()
        if name in wanted
        or not (_TOTAL.search(name) or count in (of_layers, _below(name, wanted)))
    }


def _below(name: str, wanted: Mapping[str, int]) -> int:
    """What the layers inside a part of the network, such as `layer1.0`, have together."""
    prefix = f"{name}." if name else ""
    return sum(count for layer, count in wanted.items() if layer.startswith(prefix))


def _table(pairs: Pairs, truth: Pairs) -> Table:
    wanted = {name: count for name, count in truth if count}
    layers = _per_layer(pairs, wanted)
    wrong = [name for name, count in wanted.items() if layers.get(name) != count]
    extra = [name for name in layers if name not in wanted]
    rows = [(name, f"{wanted[name]:,}", _shown(layers.get(name))) for name in wrong[:12]]
    rows += [(name, "no such layer", _shown(layers[name])) for name in extra[:6]]
    return Table("Layers that differ", ("layer", "parameters", "yours"), tuple(rows))


def _shown(count: int | None) -> str:
    return "missing" if count is None else f"{count:,}"


CHECK = Check("layer_counts", NoParams, ask, judge, needs_gold=True)
