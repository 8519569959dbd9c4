"""The student's counts of parameters per layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grader.worker import networks, sources
from grader.worker.found import as_count, as_table, tables
from grader.worker.probes.frames import candidates, glimpse, run_for_names
from grader.worker.running import call, function, takes
from grader.worker.session import Answer, BadAnswer, Session

NAME = "layer_parameter_counts"
WANTED = (
    f"a function {NAME}(model), or a dictionary from layer to number of parameters, at the top of "
    "a script or inside a function without arguments"
)


def layer_counts(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """args: `network`, a spec. Value: every table of counts found, as [[name, count], ...]."""
    stage = glimpse(session, args["network"])
    count = function(session, NAME)
    if count is not None and takes(count, 1):
        return _ask_function(session, count, args), ()
    for source in candidates(session, WANTED):
        left = run_for_names(session, source, stage, lambda left: bool(tables(left.frames)))
        found = tables(left.frames)
        if not found and left.error is not None:
            raise left.error
        # Without a table the counts may still stand in what the script printed.
        return {
            "form": "script",
            "file": source.path.name,
            "tables": found,
            "printed": not found,
            "replaced": bool(stage.built),
            "notes": stage.notes + session.notes,
        }, ()
    raise sources.not_found(session.folder, WANTED)


def _ask_function(session: Session, count: Any, args: Mapping[str, Any]) -> dict[str, Any]:
    returned = call(count, networks.build(args["network"]))
    pairs = as_table(returned)
    if not pairs and isinstance(returned, (list, tuple)):
        values = [as_count(item) for item in returned]
        if values and all(value is not None for value in values):
            pairs = [["", value] for value in values]
    if not pairs:
        raise BadAnswer(
            f"{NAME}(model) returned {_told(returned)}; a dictionary from the layer's name to a "
            "whole number was expected"
        )
    table = {"frame": 0, "name": "returned", "pairs": pairs, "cell": 0, "line": 0}
    return {"form": "function", "file": "", "tables": [table], "replaced": True,
            "notes": session.notes}


def _told(returned: Any) -> str:
    """What was returned, and of a dictionary the first entry that is no count."""
    kind = type(returned).__name__
    if type(returned) is not dict:
        return kind
    for name, value in returned.items():
        if as_count(value) is None and not isinstance(value, Mapping):
            shown = f" {value:g}" if type(value) is float else ""
            if type(value) is int:
                shown = f" {value}" if abs(value) < 2**63 else ", too large"
            label = repr(name[:60]) if type(name) is str else f"a key of type {type(name).__name__}"
            return f"{kind}, in which {label} has {type(value).__name__}{shown}"
    return f"{kind} of {len(returned):,} entries"
