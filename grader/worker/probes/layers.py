"""The student's counts of parameters per layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grader.worker.networks import resnet as networks
from grader.worker.probes.script_run import Left, candidates, glimpse, known, run_for_names
from grader.worker.session import Answer, BadAnswer, Session, failure
from grader.worker.student_code.execution import call, function, takes
from grader.worker.values import printed
from grader.worker.values.containers import Drained, Reader
from grader.worker.values.counts import as_count, as_table, tables
from grader.worker.values.locals import Locals

NAME = "layer_parameter_counts"
WANTED = (
    f"a function {NAME}(model), or a dictionary from layer to number of parameters, at the top of "
    "a script or inside a function without arguments"
)
ENOUGH = 8   # rows of a table whose names say nothing


def layer_counts(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """args: `network`, a spec. Value: every table of counts found, as [[name, count], ...], also
    those that were printed."""
    stage = glimpse(session, args["network"])
    with printed.recording() as heard:
        count = function(session, NAME)
        if count is not None and takes(count, 1):
            return _ask_function(session, count, args, heard), ()
    first: Left | None = None
    for source in candidates(session, WANTED):
        left = run_for_names(
            session, source, stage, args["network"], lambda left: _speaks(_tables(left), left)
        )
        if _speaks(_tables(left), left):
            return _told_by(session, left, stage.notes), ()
        first = first or left
    assert first is not None
    if first.error is not None and not _tables(first):
        raise first.error
    return _told_by(session, first, stage.notes), ()


def _tables(left: Left) -> list[dict[str, Any]]:
    written = printed.tables(left.printed, left.reader.known.layers)
    return [*tables(left.frames, left.reader), *written]


def _speaks(found: list[dict[str, Any]], left: Left) -> bool:
    """Whether a table is one of layers: it has as many rows, or names them."""
    layers = left.reader.known.layers
    return any(
        len(row["pairs"]) >= ENOUGH or any(name in layers for name, _ in row["pairs"])
        for row in found
    )


def _told_by(session: Session, left: Left, notes: list[str]) -> dict[str, Any]:
    found = _tables(left)
    error = failure(left.error, session.folder) if left.error is not None else None
    # Without a table that can be read the counts may still stand in what the script printed.
    return {
        "form": "script",
        "tables": found,
        "printed": not found,
        "replaced": bool(left.built),
        "error": {key: error[key] for key in ("message", "traceback")} if error else None,
        "notes": notes + session.notes,
    }


def _ask_function(
    session: Session, count: Any, args: Mapping[str, Any], heard: printed.RecordedOutput
) -> dict[str, Any]:
    """What it returns; else what it had in its own names, or printed."""
    network = networks.build(args["network"])
    reader = Reader(known([network], session.folder), Drained())
    watched = Locals(session.folder)
    with watched.watched():
        returned = call(count, network)
    found = []
    pairs = as_table(returned, reader)
    if not pairs and isinstance(returned, (list, tuple)):
        values = [as_count(item) for item in returned]
        if values and all(value is not None for value in values):
            pairs = [["", value] for value in values]
    if pairs:
        found = [{"frame": 0, "name": "returned", "pairs": pairs, "cell": 0, "line": 0}]
    elif returned is None:
        own = [frame for frame in watched.frames() if frame.label == f"{NAME}()"]
        found = [*tables(own, reader), *printed.tables(heard.text, reader.known.layers)]
    if not found:
        raise BadAnswer(
            f"{NAME}(model) returned {_told(returned)}; a dictionary from the layer's name to a "
            "whole number was expected"
        )
    return {"form": "function", "tables": found, "replaced": True, "notes": session.notes}


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
