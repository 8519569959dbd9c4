"""The `student` of a test: what it asks is asked in the container, and plain data comes back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from grader import packing
from grader.checks.probe import Probe, probe
from grader.packing import Network, Tensor


class StudentError(Exception):
    """The student's code gave no answer: it raised, hung, crashed, or there is no such function.

    `kind` is the outcome's word, such as "exception", "time_limit" or "not_found".
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class HarnessError(BaseException):
    """The grader could not ask. No `except Exception` of a test makes a mark of it."""


@dataclass(frozen=True)
class Reply:
    """What came of a question: `value` and `blobs` where the outcome's `kind` is "answered"."""

    kind: str
    owner: str
    message: str
    value: Any = None
    blobs: tuple[bytes, ...] = ()


# what is asked, in how many seconds (None: as the rubric says), args, blobs
Ask = Callable[[str, float | None, Mapping[str, Any], tuple[bytes, ...]], Reply]


@dataclass(frozen=True)
class Ran:
    """What running the student's script came to; `files` are those that it wrote or changed."""

    printed: str
    exit_code: int
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a network."""

    shape: tuple[int, ...]
    elements: int
    trainable: bool


@dataclass(frozen=True)
class Student:
    """A submission, as a test sees it.

    Each test has a process of its own in the container, and what one call leaves there the next one
    of the same test finds. Raises StudentError for what the student's code does.
    """

    _ask: Ask
    _seconds: float | None = None
    _finite: bool = True

    tensor = Tensor     # an array that arrives as a torch.Tensor
    network = Network   # a network that the container builds, by a spec

    def within(self, seconds: float) -> Student:
        """The same student, with another time limit for each call."""
        return dataclasses.replace(self, _seconds=seconds)

    @property
    def with_nan(self) -> Student:
        """The same student, where NaN and infinity are answers like others."""
        return dataclasses.replace(self, _finite=False)

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """What the student's function of that name returns for these arguments."""
        return self._asked(f"{name}()", _call, name=name, args=list(args), kwargs=kwargs)

    def run(
        self, args: tuple[str, ...] | list[str] = (), stdin: str = "", file: str | None = None
    ) -> Ran:
        """Run the student's script as `python FILE ARGS`, in a process of its own."""
        arguments = {"args": list(args), "stdin": stdin, "file": file}
        ran = self._asked(f"running {file or 'the script'}", _run, **arguments)
        files = {name: content.tobytes() for name, content in ran["files"].items()}
        return Ran(ran["printed"], ran["exit_code"], files)

    def parameters(self, of: str, *args: Any) -> dict[str, Parameter]:
        """By name, the parameters of the network that a function of the student's builds, or that
        stands under that name in the student's file."""
        found = self._asked(f"the parameters of {of}", _parameters, of=of, args=list(args))
        return {
            name: Parameter(tuple(shape), elements, trainable)
            for name, (shape, elements, trainable) in found.items()
        }

    def weights(self, of: str, *args: Any) -> dict[str, Any]:
        """The same parameters' values, as arrays."""
        values: dict[str, Any] = self._asked(f"{of}", _weights, of=of, args=list(args))
        return values

    def ask(self, probe: Probe, **arguments: Any) -> Any:
        """What a probe of yours returns, which runs beside the student's code."""
        return self._asked(probe.name, probe, **arguments)

    def _asked(self, what: str, probe: Probe, **arguments: Any) -> Any:
        reply = self._ask(what, self._seconds, *probe.asked(arguments))
        if reply.owner == "harness":
            raise HarnessError(reply.message)
        if reply.kind != "answered":
            raise StudentError(reply.kind, f"{what}: {reply.message}")
        value = packing.unpack(reply.value, reply.blobs)
        wrong = packing.not_finite(value) if self._finite else ""
        if wrong:
            raise StudentError("bad_answer", f"{what}: {wrong}")
        return value


@probe
def _call(student, name, args, kwargs):  # type: ignore[no-untyped-def]  # its text is sent
    return student.call(name, *args, **kwargs)


@probe
def _run(student, args, stdin, file):  # type: ignore[no-untyped-def]
    return student.run(*args, stdin=stdin, file=file)


@probe
def _parameters(student, of, args):  # type: ignore[no-untyped-def]
    return {
        name: [list(parameter.shape), parameter.numel(), parameter.requires_grad]
        for name, parameter in student.parameters(of, *args).items()
    }


@probe
def _weights(student, of, args):  # type: ignore[no-untyped-def]
    return student.parameters(of, *args)
