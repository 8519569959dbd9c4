"""A training as it was watched, in words and tables: stretch by stretch, and epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from grader.records import Stretch, Table
from grader.reports.student.learning_curves import some

PASSES = {"train": "training", "evaluate": "evaluation"}
_MOST_NAMED = 12  # numbers in a sentence
_EPOCHS = 12  # rows in a terminal


@dataclass(frozen=True)
class Epoch:
    """A stretch of training and the evaluations that follow it; number 0 has those before any."""

    number: int
    training: Stretch | None
    evaluations: tuple[Stretch, ...]

    @property
    def evaluation(self) -> Stretch | None:
        """The last one, or the first that was in the wrong mode."""
        wrong = [stretch for stretch in self.evaluations if not stretch.right]
        return next(iter(wrong or self.evaluations[-1:]), None)

    @property
    def right(self) -> bool:
        return all(one is None or one.right for one in (self.training, self.evaluation))


def epochs(stretches: Sequence[Stretch]) -> list[Epoch]:
    """As a reader counts them: each stretch of training begins one."""
    starts = [index for index, one in enumerate(stretches) if one.kind == "train"]
    before = tuple(stretches[: starts[0]] if starts else stretches)
    found = [
        Epoch(number, stretches[start], tuple(stretches[start + 1 : end]))
        for number, (start, end) in enumerate(pairwise([*starts, len(stretches)]), 1)
    ]
    return [Epoch(0, None, before), *found] if before else found


def tell_modes(stretches: Sequence[Stretch]) -> str:
    """In a sentence, how many of which passes were in the wrong mode, and where in the order."""
    told = []
    for kind, passes in PASSES.items():
        numbers = [number for number, one in enumerate(stretches, 1) if one.kind == kind]
        wrong = [str(number) for number in numbers if not stretches[number - 1].right]
        if wrong:
            named = ", ".join(wrong[:_MOST_NAMED]) + (", …" if len(wrong) > _MOST_NAMED else "")
            told.append(f"{len(wrong)} of {len(numbers)} stretches of {passes} (number {named})")
    if not told:
        return "No stretch was in the wrong mode."
    return f"In the wrong mode: {' and '.join(told)}."


def tabulate_stretches(stretches: Sequence[Stretch]) -> Table:
    """A row for each, in order."""
    columns = ("stretch", "passes", "mode", "batches", "images", "loss", "accuracy",
               "learning rate", "where")  # fmt: skip
    rows = tuple(
        (
            str(number),
            PASSES[one.kind],
            one.mode if one.right else f"✗ {one.mode}, wrong",
            f"{one.batches:,}",
            f"{one.images:,}",
            _number(one.loss),
            _percent(one.accuracy),
            _number(one.lr),
            one.place,
        )
        for number, one in enumerate(stretches, 1)
    )
    return Table("Stretches of passes, in order", columns, rows)


def tabulate_epochs(stretches: Sequence[Stretch]) -> Table:
    """A row per epoch, narrow enough for a terminal; of many epochs some, in the end the last."""
    found = epochs(stretches)
    kept = found if len(found) <= _EPOCHS else _telling(found)
    columns = ("epoch", "loss", "acc.", "mode", "eval loss", "eval acc.", "eval mode", "lr")
    rows = tuple(
        (
            str(epoch.number),
            *_cells(epoch.training),
            *_cells(epoch.evaluation),
            _number(epoch.training.lr, 3) if epoch.training else "",
        )
        for epoch in kept
    )
    return Table("By epoch; ! marks a wrong mode", columns, rows)


def _telling(found: Sequence[Epoch]) -> list[Epoch]:
    """A few of those in a wrong mode, and of the others as many as there is room for."""
    wrong = some([epoch for epoch in found if not epoch.right], _EPOCHS // 2)
    rest = some([epoch for epoch in found if epoch not in wrong], _EPOCHS - len(wrong))
    return sorted((*wrong, *rest), key=lambda epoch: epoch.number)


def _cells(stretch: Stretch | None) -> tuple[str, str, str]:
    if stretch is None:
        return "", "", ""
    mode = stretch.mode if stretch.right else f"{stretch.mode} !"
    return _number(stretch.loss, 3), _percent(stretch.accuracy), mode


def _number(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}g}"


def _percent(fraction: float | None) -> str:
    """What is no fraction, NaN say, as it is."""
    if fraction is None or not 0 <= fraction <= 1:
        return _number(fraction)
    return f"{fraction:.1%}".replace("%", " %")
