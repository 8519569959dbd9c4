"""Check `layer_counts`: the parameters of each layer, for ResNet-18 and a hidden network."""

from __future__ import annotations

import re
from typing import Any

from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.checks.check import (
    Check,
    NoParams,
    Work,
    as_exception,
    graded,
    in_short,
    is_of_the_environment,
    needs_marking,
    not_attempted,
    without_answer,
)
from grader.checks.hidden_networks import RESNET18, scored_networks
from grader.checks.layer_count_tables import (
    Found,
    Pairs,
    added_up,
    choose,
    covers,
    per_layer,
    same,
    share,
    speaks_of_layers,
    stated_total,
)
from grader.records import Evidence, Question, Table, Verdict
from grader.rubric.model import Criterion, Limits

PUBLIC = "layer-counts/resnet18"
ASKED = (
    "The number of trainable parameters in each layer of torchvision's resnet18(), and of another "
    "network of the same family."
)
WANTED = (
    "a function layer_parameter_counts(model), or a dictionary from layer to number of parameters"
)
ENOUGH_PRINTED = 8   # different right counts in a printout that a person should read
SMALLEST = 100       # as many printed numbers from here on may be somebody's wrong counts

# At most 15 digits, also with separators: a search without that bound is quadratic.
_NUMBER = re.compile(r"(?<![\w.])(?:\d{1,3}(?:[,_']\d{3}){1,4}|\d{1,15})(?![\w]|[.,]\d)")


def ask(criterion: Criterion, inputs: EvalInputs, limits: Limits) -> tuple[Question, ...]:
    """The counts of ResNet-18 and of the run's hidden network."""
    return tuple(
        Question(name, "layer_counts", {"network": spec}, name, limits.seconds)
        for name, spec in {PUBLIC: RESNET18, **_hidden(inputs)}.items()
    )


def judge(criterion: Criterion, work: Work, key: AnswerKey) -> Verdict:
    """Half of the points for each of two networks: ResNet-18 and a hidden one.

    All of a network's half for right counts per layer, half of it for a right total only. Counts
    that are right for ResNet-18 and wrong for the hidden network were typed in and earn nothing. A
    person decides if the code could not be tested on another network.
    """
    public = work.evidence[PUBLIC]
    if not public.outcome.answered:
        return without_answer(criterion, public.outcome, ASKED, in_any_form=True)
    truth = key.value(PUBLIC)["tables"][0]["pairs"]
    chosen = choose(_tables(public, printed=False), truth)
    if not share(chosen, truth) and not speaks_of_layers(chosen, truth):
        # The last resort counts only if it is entirely right: what the code prints.
        printed = _tables(public, printed=True)
        written = _right(printed, truth)
        if written is not None:
            chosen = written
        elif "printed" in public.value:
            return _printed(criterion, public, truth, tried=bool(chosen or choose(printed, truth)))
    shares = [share(chosen, truth)]
    replaced = public.value["replaced"]
    if shares[0] and not replaced:
        return _cannot_tell(criterion, chosen)
    hidden = _hidden(key.inputs) if replaced else {}
    for name in hidden:
        evidence = work.evidence[name]
        if evidence.outcome.owner != "student":
            return without_answer(criterion, evidence.outcome, ASKED, hidden=True)
        options, wanted = _tables(evidence, printed=_is_printed(chosen)), key.value(name)
        pairs = wanted["tables"][0]["pairs"]
        again = same(options, chosen)
        if _is_printed(chosen):   # its place among the other tables may differ
            again = _right(options, pairs) or again
        shares.append(share(again, pairs))
        if shares[-1] < 1 and _is_printed(chosen) and not _is_repeated(again, chosen):
            return _printed(criterion, public, truth, tried=True)
    hints = tuple(public.value["notes"])
    if public.value.get("error"):
        message = public.value["error"]["message"]
        hints = (*hints, f"Your code raised an exception: {message}.")
    if shares[0] and hidden and not any(shares[1:]):
        reason = (
            "The counts are right for ResNet-18 but not for another network of the same family: "
            "they seem to be typed in."
        )
        failed = [work.evidence[name].outcome for name in hidden]
        if not any(outcome.answered for outcome in failed):
            reason = (
                "The counts are right for ResNet-18, but for another network of the same family "
                f"your code gives no answer: {in_short(failed[0])}."
            )
        return graded(criterion, 0.0, reason, asked=ASKED, hints=hints,
                      next_step="Compute the counts in a loop over the network's layers.")
    fraction = sum(shares) / len(shares)
    if fraction < 1 and is_of_the_environment(public.value.get("error")):
        return without_answer(criterion, as_exception(public.outcome, public.value["error"]), ASKED)
    total = sum(count for _, count in truth)
    if fraction == 1:
        reason = f"All layers are right; ResNet-18 has {total:,} parameters in total."
        return graded(criterion, fraction, reason, asked=ASKED, hints=hints)
    pairs = chosen["pairs"] if chosen else []
    return graded(
        criterion, fraction, _difference(pairs, truth), asked=ASKED, hints=hints,
        tables=(_table(pairs, truth),),
        next_step="Compare with the table; parameter.numel() is the size of a tensor.",
    )


def _tables(evidence: Evidence, *, printed: bool) -> list[Found]:
    if not evidence.outcome.answered:
        return []
    return [row for row in evidence.value["tables"] if row.get("printed", False) is printed]


def _right(options: list[Found], truth: Pairs) -> Found | None:
    """The last table that is right for every layer; whatever else was printed does not matter."""
    right = [option for option in options if share(option, truth) == 1]
    return next(reversed(right), None)


def _is_printed(option: Found | None) -> bool:
    return option is not None and bool(option.get("printed"))


def _is_repeated(option: Found | None, public: Found | None) -> bool:
    """True if the numbers for another network are those of ResNet-18 again: typed in."""
    if option is None or public is None:
        return False
    return set(map(tuple, option["pairs"])) <= set(map(tuple, public["pairs"]))


def _printed(criterion: Criterion, public: Evidence, truth: Pairs, *, tried: bool) -> Verdict:
    """The verdict on a script without a table: a person reads a printout that looks like one.

    `tried`: a table was found, though not one of layers.
    """
    output = public.outcome.output
    numbers = {int(re.sub(r"[,_']", "", text)) for text in _NUMBER.findall(output)}
    counts = {count for _, count in truth if count}
    if len(numbers & counts) >= min(ENOUGH_PRINTED, len(counts)):
        reason = "The counts are printed but not kept in a dictionary: a person reads them."
        return needs_marking(criterion, reason, asked=ASKED, seen={"output": output[-4000:]})
    if public.value.get("error"):
        return without_answer(criterion, as_exception(public.outcome, public.value["error"]), ASKED)
    details: dict[str, Any] = {
        "asked": ASKED, "hints": tuple(public.value["notes"]),
        "seen": {"output": output[-4000:]} if output else {},
        "next_step": "Add it, or rename what you have to the name that is expected.",
    }  # fmt: skip
    long = [row for row in public.value["tables"] if len(row["pairs"]) >= ENOUGH_PRINTED]
    several = len([one for one in numbers if one >= SMALLEST]) >= ENOUGH_PRINTED
    if not (tried or long or several or numbers & counts):
        return not_attempted(criterion, f"no counts were found. Expected: {WANTED}.", **details)
    printed = ", and the code does not print the counts of ResNet-18's layers"
    reason = f"This was not found: {WANTED}{printed if numbers else ''}."
    return graded(criterion, 0.0, reason, **details)


def _cannot_tell(criterion: Criterion, chosen: Found | None) -> Verdict:
    reason = (
        "The counts of ResNet-18 are right. Your code could not be tested on another network, so "
        "the counts may be typed in: a person reads the code."
    )
    counts = chosen["pairs"] if chosen else []
    return needs_marking(criterion, reason, asked=ASKED, seen={"counts": counts})


def _difference(pairs: Pairs, truth: Pairs) -> str:
    """Explains to the student what is wrong with the counts."""
    total = sum(count for _, count in truth)
    if not pairs:
        return f"This was not found: {WANTED}."
    wanted = {name: count for name, count in truth if count}
    if not covers(pairs, wanted):
        found = stated_total(pairs, wanted)
        right = f"The total of {total:,} is right" if found == total else (
            f"ResNet-18 has {total:,} parameters in total, and your code has {found:,}"
            if found is not None
            else f"ResNet-18 has {total:,} parameters in total"
        )
        return f"{right}; counts per layer were not found.{_layers_counted(found, truth)}"
    found = sum(per_layer(pairs, wanted).values())
    if total in (found, stated_total(pairs, wanted), added_up(pairs)):
        return f"The total of {total:,} is right; some counts per layer are wrong."
    reason = f"ResNet-18 has {total:,} parameters in total; your counts add up to {found:,}."
    return reason + _layers_counted(found, truth)


def _layers_counted(found: int | None, truth: Pairs) -> str:
    if found not in (len(truth), sum(1 for _, count in truth if count)):
        return ""
    return " That is the number of layers; count each layer's elements with numel()."


def _hidden(inputs: EvalInputs) -> dict[str, dict[str, Any]]:
    spec, _ = scored_networks(inputs.draw("layer-counts"))
    return {"layer-counts/hidden": spec}


def _table(pairs: Pairs, truth: Pairs) -> Table:
    wanted = {name: count for name, count in truth if count}
    layers = per_layer(pairs, wanted)
    wrong = [name for name, count in wanted.items() if layers.get(name) != count]
    extra = [name for name in layers if name not in wanted]
    rows = [(name, f"{wanted[name]:,}", _shown(layers.get(name))) for name in wrong[:12]]
    rows += [(name, "no such layer", _shown(layers[name])) for name in extra[:6]]
    return Table("Layers that differ", ("layer", "parameters", "yours"), tuple(rows))


def _shown(count: int | None) -> str:
    return "missing" if count is None else f"{count:,}"


CHECK = Check("layer_counts", NoParams, ask, judge, needs_reference=True, known_to_worker=True)
