"""Describes a training run in words and tables: by training or evaluation phase, and by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from grader.records import Phase, Table
from grader.reports.student.learning_curves import some

PHASES = {"train": "training", "evaluate": "evaluation"}
_MOST_NAMED = 12  # numbers in a sentence
_EPOCHS = 12  # rows in a terminal


@dataclass(frozen=True)
class Epoch:
    """A training phase and the evaluations that follow it. Number 0 has those before the first."""

    number: int
    training: Phase | None
    evaluations: tuple[Phase, ...]

    @property
    def evaluation(self) -> Phase | None:
        """The first evaluation in the wrong mode, else the last one."""
        wrong = [phase for phase in self.evaluations if not phase.right]
        return next(iter(wrong or self.evaluations[-1:]), None)

    @property
    def right(self) -> bool:
        return all(one is None or one.right for one in (self.training, self.evaluation))


def epochs(phases: Sequence[Phase]) -> list[Epoch]:
    """Group phases into epochs. Every training phase begins a new one."""
    starts = [index for index, one in enumerate(phases) if one.kind == "train"]
    before = tuple(phases[: starts[0]] if starts else phases)
    found = [
        Epoch(number, phases[start], tuple(phases[start + 1 : end]))
        for number, (start, end) in enumerate(pairwise([*starts, len(phases)]), 1)
    ]
    return [Epoch(0, None, before), *found] if before else found


def tell_modes(phases: Sequence[Phase]) -> str:
    """A sentence that names the phases that ran in the wrong mode."""
    parts = []
    for kind, phase in PHASES.items():
        numbers = [number for number, one in enumerate(phases, 1) if one.kind == kind]
        wrong = [str(number) for number in numbers if not phases[number - 1].right]
        if wrong:
            named = ", ".join(wrong[:_MOST_NAMED]) + (", …" if len(wrong) > _MOST_NAMED else "")
            noun = f"{phase} phase{'' if len(numbers) == 1 else 's'}"
            parts.append(f"{len(wrong)} of {len(numbers)} {noun} (number {named})")
    if not parts:
        return "All phases ran in the right mode."
    return f"Wrong mode in {' and '.join(parts)}."


def tabulate_stretches(phases: Sequence[Phase]) -> Table:
    """A row per phase, in order."""
    columns = ("phase", "kind", "mode", "batches", "images", "loss", "accuracy",
               "learning rate", "where")  # fmt: skip
    rows = tuple(
        (
            str(number),
            PHASES[one.kind],
            one.mode if one.right else f"✗ {one.mode}, wrong",
            f"{one.batches:,}",
            f"{one.images:,}",
            _number(one.loss),
            _percent(one.accuracy),
            _number(one.lr),
            one.place,
        )
        for number, one in enumerate(phases, 1)
    )
    return Table("Training and evaluation phases, in order", columns, rows)


def tabulate_epochs(phases: Sequence[Phase]) -> Table:
    """A row per epoch, narrow enough for a terminal. With many epochs only some are shown."""
    found = epochs(phases)
    kept = found if len(found) <= _EPOCHS else _selection(found)
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
    return Table("By epoch (! marks a wrong mode)", columns, rows)


def _selection(found: Sequence[Epoch]) -> list[Epoch]:
    """Some epochs in a wrong mode, and as many others as there is room for."""
    wrong = some([epoch for epoch in found if not epoch.right], _EPOCHS // 2)
    rest = some([epoch for epoch in found if epoch not in wrong], _EPOCHS - len(wrong))
    return sorted((*wrong, *rest), key=lambda epoch: epoch.number)


def _cells(phase: Phase | None) -> tuple[str, str, str]:
    if phase is None:
        return "", "", ""
    mode = phase.mode if phase.right else f"{phase.mode} !"
    return _number(phase.loss, 3), _percent(phase.accuracy), mode


def _number(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}g}"


def _percent(fraction: float | None) -> str:
    """A percentage; a value outside 0 to 1, such as NaN, is written as a number."""
    if fraction is None or not 0 <= fraction <= 1:
        return _number(fraction)
    return f"{fraction:.1%}".replace("%", " %")
