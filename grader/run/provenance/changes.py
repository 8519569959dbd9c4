"""Says in words what every verdict depends on and differs between two runs."""

from __future__ import annotations

from grader.records import Conditions

_IN_WORDS = {"the sandbox": "sandbox", "the hardware": "hardware"}   # keys of Conditions.versions


def changes(before: Conditions, after: Conditions) -> list[str]:
    """Return a line for each change, such as "the data changed".

    The sandbox with its image, and the hardware, are named as they were and as they are.
    """
    was, now = before.ingredients, after.ingredients
    changed = [what for what in {**was, **now} if was.get(what) != now.get(what)]
    if {"the checks' code", "the worker's code"} & set(changed):
        changed.remove("the grader's code")   # which holds both
    return [f"{what} changed{_from_to(what, before, after)}" for what in changed]


def _from_to(what: str, before: Conditions, after: Conditions) -> str:
    key = _IN_WORDS.get(what, "")
    was, now = before.versions.get(key), after.versions.get(key)
    return "" if was is None or now is None or was == now else f" from {was} to {now}"
