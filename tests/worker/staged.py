"""Runs scripts with the shims installed, each in a process of its own.

Where there is fork, the processes are forked from one that has torch imported. No change that a
script or a shim makes to torch reaches the tests.
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
from collections.abc import Mapping
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
class Told:
    """What a script printed to stdout and stderr, and the notes of the shims."""

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
) -> Told:
    """Run a script in `folder`, where `log` is a name that it has; it must not raise."""
    here, there = _CONTEXT.Pipe()
    data = write_view(folder / "view") if view else None
    script = folder / "script.py"
    script.write_text(textwrap.dedent(code), encoding="utf-8")
    arguments = (there, script, data, images, network)
    process = _CONTEXT.Process(target=_child, args=arguments)
    process.start()
    there.close()
    assert here.poll(_SECONDS), "it never ended"
    told, error = here.recv()
    process.join()
    assert not error, error
    assert isinstance(told, Told)
    return told


def write_view(folder: Path) -> Path:
    """Images of 8x8, each with a value of its own; label = number modulo ten."""
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
    told: Connection,
    script: Path,
    data: Path | None,
    images: int | None,
    network: Mapping[str, Any] | None,
) -> None:
    from grader.worker import shims as stand_ins
    from grader.worker.dataset_view import open_view

    out, err, error = io.StringIO(), io.StringIO(), ""
    os.chdir(script.parent)
    os.environ["MPLBACKEND"] = "Agg"
    os.environ.pop("PYTEST_CURRENT_TEST", None)   # scikit-image behaves differently where it is set
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    notes: list[str] = []
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            log = stand_ins.install(network, open_view(data) if data else None, images)
            notes = log.notes
            main.__dict__["log"] = log
            exec(compile(script.read_text(encoding="utf-8"), script, "exec"), main.__dict__)
        except BaseException:
            error = traceback.format_exc()
    told.send((Told(out.getvalue(), notes, err.getvalue()), error))
