"""Probes the student's counts of parameters per layer, in a function or as a script leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grader.worker import networks
from grader.worker.probes.script_run import (
    Glimpse,
    ScriptResult,
    candidates,
    install_briefly,
    known,
    run_for_names,
)
from grader.worker.session import Answer, BadAnswer, Session, failure
from grader.worker.student_code.execution import takes
from grader.worker.values import printed
from grader.worker.values.containers import Drained, Reader
from grader.worker.values.counts import as_count, as_table, tables
from grader.worker.values.locals import Locals

NAME = "layer_parameter_counts"
WANTED = (
    f"a function {NAME}(model), or a dictionary from layer to number of parameters, at the top of "
    "a script or inside a function without arguments"
)
ENOUGH = 8   # rows that make a table one of layers even if it names no layer


def layer_counts(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """Collect the tables of counts for the network `args["network"]`, also those printed.

    The value has each table as [[name, count], ...]. There are no blobs.
    """
    glimpse = install_briefly(session, args["network"])
    with printed.recording() as heard:
        count = glimpse.function(session, NAME)
        if count is not None and takes(count, 1):
            return _ask_function(session, glimpse, count, args, heard), ()
    first: ScriptResult | None = None
    for source in candidates(session, WANTED):
        result = run_for_names(session, source, glimpse, args["network"], _has_layer_table)
        if _has_layer_table(result):
            return _reply(session, result, glimpse.shim_log.notes), ()
        first = first or result
    assert first is not None
    if first.error is not None and not _tables(first):
        raise first.error
    return _reply(session, first, glimpse.shim_log.notes), ()


def _tables(result: ScriptResult) -> list[dict[str, Any]]:
    written = printed.tables(result.printed, result.reader.known.layers)
    return [*tables(result.frames, result.reader), *written]


def _has_layer_table(result: ScriptResult) -> bool:
    """True if a table is one of layers: it has enough rows, or names a layer."""
    layers = result.reader.known.layers
    return any(
        len(row["pairs"]) >= ENOUGH or any(name in layers for name, _ in row["pairs"])
        for row in _tables(result)
    )


def _reply(session: Session, result: ScriptResult, notes: list[str]) -> dict[str, Any]:
    found = _tables(result)
    error = failure(result.error, session) if result.error is not None else None
    # Without a table that can be read, the counts may still stand in what the script printed.
    return {
        "form": "script",
        "tables": found,
        "printed": not found,
        "replaced": bool(result.built),
        "error": error,
        "notes": notes + session.notes,
    }


def _ask_function(
    session: Session, glimpse: Glimpse, count: Any, args: Mapping[str, Any],
    heard: printed.RecordedOutput,
) -> dict[str, Any]:
    """The tables that the function returns; without any, those in its variables or its output."""
    network = networks.build(args["network"])
    reader = Reader(known([network], session.folder), Drained())
    variables = Locals(session.folder)
    with variables.watched():
        returned = glimpse.call(count, network)
    found = []
    pairs = as_table(returned, reader)
    if not pairs and isinstance(returned, (list, tuple)):
        values = [as_count(item) for item in returned]
        if values and all(value is not None for value in values):
            pairs = [["", value] for value in values]
    if pairs:
        found = [{"frame": 0, "name": "returned", "pairs": pairs, "cell": 0, "line": 0}]
    elif returned is None:
        own = [frame for frame in variables.frames() if frame.label == f"{NAME}()"]
        found = [*tables(own, reader), *printed.tables(heard.text, reader.known.layers)]
    if not found:
        raise BadAnswer(
            f"{NAME}(model) returned {_described(returned)}; a dictionary from the layer's name "
            "to a whole number was expected"
        )
    return {"form": "function", "tables": found, "replaced": True, "notes": session.notes}


def _described(returned: Any) -> str:
    """The type of a returned value, with the first entry of a dictionary that is no count."""
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
