"""Runs an instructor's own probe, whose source comes with the question, on a `Student`.

An exception of the student's code counts as the student's. An exception of the probe itself, with
no student code on the stack, costs no mark: `ProbeFailed` names the line of the instructor's file.
"""

from __future__ import annotations
import __future__

import random
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
from grader.worker import networks, shims
from grader.worker.dataset_view import open_view
from grader.worker.environment.errors import message_of
from grader.worker.networks.sizes import LAZY
from grader.worker.probes.handles import Handles, as_array
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
from grader.worker.student_code import execution, sources
from grader.worker.student_code.entry_points import entry_scripts

MAX_PRINTED = 64 * 1024     # bytes of a script's output that are kept
MAX_FILES, MAX_FILE = 32, 2**20


def run_custom(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """Run an instructor's probe.

    Args:
        session: the session; its `Student` is made for the first probe.
        args: `source` of a function, its `name`, the `file` and `line` where it stands, and its
            packed `arguments`.
        blobs: the arrays of the arguments.

    Returns:
        The packed return value and its arrays.
    """
    if session.student is None:
        torch.set_num_threads(1)   # the same numbers on every machine; a probe may change it
        shims.install(None, view_of(session), None, session.home)
        session.student = Student(session)
    assert isinstance(session.student, Student)
    probe = _compiled(args)
    makers = packing.Makers(
        torch.from_numpy, networks.build, session.student.handles.object
    )
    arguments = packing.unpack(args["arguments"], blobs, makers)
    try:
        returned = probe(session.student, **arguments)
    except (NotFound, BadAnswer, OutOfTime, SystemExit):
        raise
    except BaseException as error:
        if _of_the_student(error, session.folder):
            raise
        if "uninitialized parameter" in message_of(error):   # in torch's own words
            raise BadAnswer(LAZY) from None
        raise ProbeFailed(_described(error, args)) from None
    try:
        return packing.pack(returned, as_array)
    except packing.PackingError as error:
        raise BadAnswer(f"the returned value cannot be sent to the grader: {error}") from None


class Student:
    """A submission, as an instructor's probe sees it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.handles = Handles()

    def get(self, name: str) -> Any:
        """The class, function or value with this name at the top of the student's file."""
        return execution.value(self._session, name)

    def call(self, what: str | Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function of the student's by name, or an object of the student's, such as a
        network. Any exception on the way counts as the student's."""
        function = self._function(what) if isinstance(what, str) else what
        return execution.call(function, *args, **kwargs)

    def new(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """The object that the student's class, or another function of that name, makes."""
        return self.call(name, *args, **kwargs)

    def network(self, spec: Mapping[str, Any]) -> nn.Module:
        """Build a network of the grader's own from a spec."""
        return networks.build(spec)

    def wrong(self, why: str) -> NoReturn:
        """End the probe because the student's code gave no usable answer; `why` tells the student.
        """
        raise BadAnswer(why)

    def parameters(self, of: Any, *args: Any) -> dict[str, nn.Parameter]:
        """The parameters by name of a network: the network itself, its name at the top of the
        student's file, or the name of the function that builds it from `args`."""
        found = self.get(of) if isinstance(of, str) else of
        network = found if isinstance(found, nn.Module) else self.call(of, *args)
        if not isinstance(network, nn.Module):
            what = f"{of} gave" if isinstance(of, str) else "it is"
            self.wrong(f"{what} a {type(network).__name__}; a torch.nn.Module was expected")
        return dict(network.named_parameters())

    def train_and_predict(self, function: str, hidden: Any, tensors: bool, seed: int) -> Any:
        """Call the student's function with the training data and hidden inputs, after seeding."""
        if self._session.data is None:
            raise RuntimeError("the grader gave no data")
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        inputs, targets = map(np.array, open_view(self._session.data).split("train"))
        if tensors:
            return self.call(
                function, torch.from_numpy(inputs), torch.from_numpy(targets), hidden
            )
        return self.call(function, inputs, targets, hidden)

    def call_kept(self, what: Any, *args: Any, **kwargs: Any) -> Any:
        """Call an object that a test has a handle of."""
        return self.handles.call(what, *args, **kwargs)

    def attribute(self, owner: Any, name: str) -> Any:
        """Describe an attribute of an object that a test has a handle of."""
        return self.handles.attribute(owner, name)

    def run(
        self, *arguments: str, stdin: str = "", file: str | None = None
    ) -> dict[str, Any]:
        """Run the student's script as `python FILE ARGUMENTS`, in a process of its own.

        Args:
            arguments: command-line arguments.
            stdin: the text on standard input.
            file: the script; by default the one that no other file imports.

        Returns:
            `printed` (stdout and stderr), `exit_code`, and `files`: an array of bytes for each file
            that was written or changed, by its path in the submission.
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
        found = execution.function(self._session, name) or execution.value(self._session, name)
        if not callable(found):
            raise BadAnswer(f"{name} is a {type(found).__name__}; a function was expected")
        return found

    def _script(self, file: str | None) -> Path:
        folder = self._session.folder
        self._session.loaded()   # from here on the script runs, so its errors are in the call phase
        if file is not None:
            if not (folder / file).is_file():
                raise sources.not_found(folder, f"a file {file}")
            return folder / file
        entries = entry_scripts(folder)
        if not entries:
            raise sources.not_found(folder, "a script to run")
        return entries[0].path


_STUDENT_METHODS = {"get", "call", "call_kept", "attribute", "parameters", "run"}


def _compiled(args: Mapping[str, Any]) -> Callable[..., Any]:
    """Compile the probe's function with the line numbers of the instructor's file."""
    text = "\n" * (int(args["line"]) - 1) + args["source"]
    flags = __future__.annotations.compiler_flag
    namespace: dict[str, Any] = {"__name__": args["name"]}
    exec(compile(text, _label(args), "exec", flags, dont_inherit=True), namespace)
    probe = namespace[args["name"]]
    assert isinstance(probe, types.FunctionType)
    return probe


def _label(args: Mapping[str, Any]) -> str:
    """The file's name in tracebacks; not a path, so that no file of the student's is shown."""
    return f"<{args['file']}>"


def _of_the_student(error: BaseException, folder: Path) -> bool:
    """True if the student's code raised the exception, or a method of `Student` on the way to it.
    """
    return any(
        frame.filename.startswith(str(folder))
        or (frame.filename == __file__ and frame.name in _STUDENT_METHODS)
        for frame in traceback.extract_tb(error.__traceback__)
    )


def _described(error: BaseException, args: Mapping[str, Any]) -> str:
    """An exception of the probe, with the line of the instructor's file."""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == _label(args)
    ]
    where = f"{args['file']}, line {lines[-1] if lines else args['line']}"
    return f"{where}, in {args['name']}: {type(error).__name__}: {error}"[:1000]


def _stamps(folder: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """(path, (size, time of change)) of each file."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts:
            stat = path.stat()
            yield printable(path.relative_to(folder).as_posix()), (stat.st_size, stat.st_mtime_ns)


def _content(path: Path) -> Any:
    with path.open("rb") as file:
        return np.frombuffer(file.read(MAX_FILE), dtype=np.uint8)
