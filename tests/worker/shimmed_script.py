"""Runs a script with the shims installed, in a process of its own.

Where fork exists, the process is forked from one that has imported torch. Nothing that a script or
a shim does to torch reaches the tests.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import sys
import textwrap
import traceback
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

TRAIN, TEST, CLASSES = 40, 20, tuple("0123456789")
_SECONDS = 120
_FORKED = "forkserver" in multiprocessing.get_all_start_methods()
_CONTEXT: Any = multiprocessing.get_context("forkserver" if _FORKED else "spawn")
_CONTEXT.set_forkserver_preload(["grader.worker.shims"])


@dataclass(frozen=True)
class ScriptResult:
    """Output of a script, notes of the shims, and what was printed to stderr."""

    out: str
    notes: list[str]
    err: str


def run(
    folder: Path,
    code: str,
    *,
    images: int | None = None,
    view: bool = True,
    network: Mapping[str, Any] | None = None,
    pretend: Iterable[str] = (),
) -> ScriptResult:
    """Run a script in `folder`. The script must not raise.

    Its variables `log` and `home` are those of the shims. `pretend` is what a second run pretends.
    """
    ours, theirs = _CONTEXT.Pipe()
    data = write_view(folder / "view") if view else None
    script = folder / "script.py"
    script.write_text(textwrap.dedent(code), encoding="utf-8")
    arguments = (theirs, script, data, images, network, frozenset(pretend))
    process = _CONTEXT.Process(target=_child, args=arguments)
    process.start()
    theirs.close()
    assert ours.poll(_SECONDS), "the script did not end"
    result, error = ours.recv()
    process.join()
    assert not error, error
    assert isinstance(result, ScriptResult)
    return result


def write_view(folder: Path) -> Path:
    """Write a data view of 8x8 images, each of one value; its label is its number modulo ten."""
    folder.mkdir(exist_ok=True)
    for split, count, start in (("train", TRAIN, 0), ("validation", TEST, 100)):
        values = np.arange(start, start + count, dtype=np.uint8)
        images = np.broadcast_to(values[:, None, None, None], (count, 8, 8, 3))
        np.save(folder / f"{split}_images.npy", images)
        np.save(folder / f"{split}_labels.npy", np.arange(count) % 10)
    meta = '{"name": "made up", "classes": ["' + '", "'.join(CLASSES) + '"]}'
    (folder / "meta.json").write_text(meta, encoding="utf-8")
    return folder


def _child(
    connection: Connection,
    script: Path,
    data: Path | None,
    images: int | None,
    network: Mapping[str, Any] | None,
    pretend: frozenset[str],
) -> None:
    from grader.worker import shims
    from grader.worker.dataset_view import open_view
    from grader.worker.environment.home import Home

    out, err, error = io.StringIO(), io.StringIO(), ""
    os.chdir(script.parent)
    os.environ["MPLBACKEND"] = "Agg"
    os.environ.pop("PYTEST_CURRENT_TEST", None)   # scikit-image behaves differently where it is set
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    notes: list[str] = []
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            home = Home(pretend)
            log = shims.install(network, open_view(data) if data else None, images, home)
            notes = log.notes
            main.__dict__.update(log=log, home=home)
            exec(compile(script.read_text(encoding="utf-8"), script, "exec"), main.__dict__)
        except BaseException:
            error = traceback.format_exc()
    connection.send((ScriptResult(out.getvalue(), notes, err.getvalue()), error))
