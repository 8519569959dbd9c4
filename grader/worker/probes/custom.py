"""Probes that an instructor wrote: their text comes with the question and runs beside the student's
code, with a `Student` in its hand.

What the student's code raises is the student's. What the probe raises by itself, with nothing of
the student's on the stack, is nobody's mark: `ProbeFailed` names the line of the instructor's file.
"""

from __future__ import annotations
import __future__

import subprocess
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from torch import nn

from grader import packing
from grader.worker import shims as stand_ins
from grader.worker.networks import resnet as networks
from grader.worker.probes.script_run import view_of
from grader.worker.session import (
    Answer,
    BadAnswer,
    NotFound,
    OutOfTime,
    ProbeFailed,
    Session,
    printable,
)
from grader.worker.student_code import entry_points as scripts
from grader.worker.student_code import execution as running
from grader.worker.student_code import sources

MAX_PRINTED = 64 * 1024     # bytes of what a script printed
MAX_FILES, MAX_FILE = 32, 2**20


def own(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """args: `source` of a function, its `name`, the `file` and `line` where it stands, `arguments`
    packed, the arrays of which are the blobs. Value: what it returns, packed."""
    if session.student is None:
        torch.set_num_threads(1)   # the same numbers on every machine; a probe may set another
        stand_ins.install(None, view_of(session), None)
        session.student = Student(session)
    probe = _compiled(args)
    makers = packing.Makers(torch.from_numpy, networks.build)
    arguments = packing.unpack(args["arguments"], blobs, makers)
    try:
        returned = probe(session.student, **arguments)
    except (NotFound, BadAnswer, OutOfTime, SystemExit):
        raise
    except BaseException as error:
        if _is_the_students(error, session.folder):
            raise
        raise ProbeFailed(_told(error, args)) from None
    try:
        return packing.pack(returned, _plainer)
    except packing.PackingError as error:
        raise BadAnswer(f"what was returned cannot be handed over: {error}") from None


class Student:
    """A submission, as a probe sees it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, name: str) -> Any:
        """What stands under a name at the top of the student's file: a class, a function, a value.
        """
        return running.value(self._session, name)

    def call(self, what: str | Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call the student's function of that name, or something of the student's that the probe
        holds, such as a network. Whatever is raised on the way is the student's."""
        function = self._function(what) if isinstance(what, str) else what
        return running.call(function, *args, **kwargs)

    def network(self, spec: Mapping[str, Any]) -> nn.Module:
        """A network of the grader's own, by a spec."""
        return networks.build(spec)

    def wrong(self, why: str) -> NoReturn:
        """End the probe: the student's code has given something that is no answer, and why."""
        raise BadAnswer(why)

    def parameters(self, of: str, *args: Any) -> dict[str, nn.Parameter]:
        """The parameters by name of the network that a function of the student's builds, or that
        stands under that name in the student's file."""
        found = self.get(of)
        network = found if isinstance(found, nn.Module) else self.call(of, *args)
        if not isinstance(network, nn.Module):
            self.wrong(f"{of} gave a {type(network).__name__} where a torch.nn.Module was expected")
        return dict(network.named_parameters())

    def run(
        self, *arguments: str, stdin: str = "", file: str | None = None
    ) -> dict[str, Any]:
        """Run the student's script as `python FILE ARGUMENTS`, in a process of its own.

        What it printed (`printed`, stderr with it), its `exit_code`, and by name what it wrote or
        changed in its folder, an array of bytes each: `files`.
        """
        script = self._script(file)
        before = dict(_stamps(self._session.folder))
        ended = subprocess.run(
            [sys.executable, str(script), *arguments],
            input=stdin.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=script.parent, check=False,
        )  # fmt: skip
        written = [
            name for name, stamp in _stamps(self._session.folder) if before.get(name) != stamp
        ]
        return {
            "printed": ended.stdout[-MAX_PRINTED:].decode("utf-8", "replace"),
            "exit_code": ended.returncode,
            "files": {
                name: _content(self._session.folder / name) for name in sorted(written)[:MAX_FILES]
            },
        }

    def _function(self, name: str) -> Callable[..., Any]:
        found = running.function(self._session, name) or running.value(self._session, name)
        if not callable(found):
            raise BadAnswer(f"{name} is a {type(found).__name__}; a function was expected")
        return found

    def _script(self, file: str | None) -> Path:
        folder = self._session.folder
        self._session.loaded()   # what runs from here on is no longer the reading of a file
        if file is not None:
            if not (folder / file).is_file():
                raise sources.not_found(folder, f"a file {file}")
            return folder / file
        entries = scripts.entries(folder)
        if not entries:
            raise sources.not_found(folder, "a script to run")
        return entries[0].path


_OF_THE_STUDENT = {"get", "call", "parameters", "run"}


def _compiled(args: Mapping[str, Any]) -> Callable[..., Any]:
    """The probe's function, with the line numbers of the instructor's file."""
    text = "\n" * (int(args["line"]) - 1) + args["source"]
    flags = __future__.annotations.compiler_flag
    namespace: dict[str, Any] = {"__name__": args["name"]}
    exec(compile(text, _label(args), "exec", flags, dont_inherit=True), namespace)
    probe = namespace[args["name"]]
    assert isinstance(probe, types.FunctionType)
    return probe


def _label(args: Mapping[str, Any]) -> str:
    """Not a path: no file of the student's is to be shown in its place."""
    return f"<{args['file']}>"


def _is_the_students(error: BaseException, folder: Path) -> bool:
    """Raised by code of the student's, or on the way to it."""
    return any(
        frame.filename.startswith(str(folder))
        or (frame.filename == __file__ and frame.name in _OF_THE_STUDENT)
        for frame in traceback.extract_tb(error.__traceback__)
    )


def _told(error: BaseException, args: Mapping[str, Any]) -> str:
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == _label(args)
    ]
    where = f"{args['file']}, line {lines[-1] if lines else args['line']}"
    return f"{where}, in {args['name']}: {type(error).__name__}: {error}"[:1000]


def _plainer(value: Any) -> Any:
    """Tensors as arrays; of half precision, which numpy does not have, as float32."""
    if not isinstance(value, torch.Tensor):
        return value
    plain = value.detach().cpu().resolve_conj()
    return (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()


def _stamps(folder: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts:
            stat = path.stat()
            yield printable(path.relative_to(folder).as_posix()), (stat.st_size, stat.st_mtime_ns)


def _content(path: Path) -> Any:
    with path.open("rb") as file:
        return np.frombuffer(file.read(MAX_FILE), dtype=np.uint8)
