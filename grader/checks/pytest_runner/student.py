"""The `student` fixture of an instructor's tests: calls run in the container, data comes back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from grader import packing
from grader.checks.probe import Probe, probe
from grader.packing import Kept, Network, Tensor


class StudentError(Exception):
    """The student's code gave no answer: it raised, hung, crashed, or lacks the function.

    Attributes:
        kind: Kind of the outcome, such as "exception", "time_limit" or "not_found".
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class MissingAttribute(StudentError, AttributeError):
    """The student's object has no attribute of that name; so `hasattr` works on a handle."""


class HarnessError(BaseException):
    """The grader could not ask. A BaseException, so that no test turns it into a mark."""


@dataclass(frozen=True)
class Reply:
    """The end of a question; `value` and `blobs` are the answer if `kind` is "answered"."""

    kind: str
    owner: str
    message: str
    value: Any = None
    blobs: tuple[bytes, ...] = ()


# (title, seconds or None for the rubric's limit, args, blobs) -> reply
Ask = Callable[[str, float | None, Mapping[str, Any], tuple[bytes, ...]], Reply]


@dataclass(frozen=True)
class Ran:
    """The result of running the student's script.

    `files` has the content of the files that it wrote or changed, by name.
    """

    printed: str
    exit_code: int
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a network."""

    shape: tuple[int, ...]
    elements: int
    trainable: bool


class UnsizedParameter(Parameter):
    """A parameter of a lazy layer, which has no size before the network's first pass.

    `shape` and `elements` raise StudentError.
    """

    def __init__(self, name: str, trainable: bool) -> None:
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "trainable", trainable)

    @property
    def shape(self) -> tuple[int, ...]:
        """Raises StudentError."""
        raise self._without_size()

    @property
    def elements(self) -> int:
        """Raises StudentError."""
        raise self._without_size()

    def _without_size(self) -> StudentError:
        name = self.__dict__["_name"]
        text = (
            f"{name} belongs to a lazy layer and has no size before the network's first pass: give "
            "the layer its size, or pass a batch through the network before it is returned"
        )
        return StudentError("bad_answer", text)

    def __repr__(self) -> str:
        return f"UnsizedParameter({self.__dict__['_name']!r}, trainable={self.trainable})"


@dataclass(frozen=True)
class Student:
    """A submission, for a test to call.

    All calls of one test run in the same process in the container; each test has its own. A call
    raises StudentError if the student's code gives no answer.
    """

    _ask: Ask
    _seconds: float | None = None
    _finite: bool = True

    tensor = Tensor     # an array that arrives as a torch.Tensor
    network = Network   # a network that the container builds, by a spec

    def within(self, seconds: float) -> Student:
        """A copy with another time limit for each call."""
        return dataclasses.replace(self, _seconds=seconds)

    @property
    def with_nan(self) -> Student:
        """A copy that accepts NaN and infinity in answers."""
        return dataclasses.replace(self, _finite=False)

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Calls the student's function of that name, and returns what it returns."""
        return self._asked(f"{name}()", _call, name=name, args=list(args), kwargs=kwargs)

    def new(self, name: str, *args: Any, **kwargs: Any) -> Handle:
        """A handle of the object that the student's class of that name makes.

        `name` may also be a function that returns an object, such as `build_model`.
        """
        title = f"{name}()"
        made = self._asked(title, _new, name=name, args=list(args), kwargs=kwargs)
        if "object" not in made:
            text = f"{title}: it gave plain data or several objects; one object was expected"
            raise StudentError("bad_answer", text)
        return Handle(made["object"], self, made["kind"])

    def run(
        self, args: tuple[str, ...] | list[str] = (), stdin: str = "", file: str | None = None
    ) -> Ran:
        """Runs the student's script as `python FILE ARGS`, in a process of its own.

        Without `file` it is the script that no other file imports.
        """
        arguments = {"args": list(args), "stdin": stdin, "file": file}
        ran = self._asked(f"running {file or 'the script'}", _run, **arguments)
        files = {name: content.tobytes() for name, content in ran["files"].items()}
        return Ran(ran["printed"], ran["exit_code"], files)

    def parameters(self, of: str | Handle, *args: Any) -> dict[str, Parameter]:
        """The parameters of a network, by name.

        `of` is a handle of the network, a function of the student's that builds the network from
        `args`, or the name of the network in the student's file.
        """
        found = self._asked(f"the parameters of {of}", _parameters, of=of, args=list(args))
        return {
            name: Parameter(tuple(shape), elements, trainable)
            if shape is not None
            else UnsizedParameter(name, trainable)
            for name, (shape, elements, trainable) in found.items()
        }

    def weights(self, of: str | Handle, *args: Any) -> dict[str, Any]:
        """The values of the parameters that `parameters` lists, as arrays."""
        values: dict[str, Any] = self._asked(f"{of}", _weights, of=of, args=list(args))
        return values

    def ask(self, probe: Probe, **arguments: Any) -> Any:
        """Runs a probe in the container, and returns what it returns."""
        return self._asked(probe.name, probe, **arguments)

    def _asked(self, title: str, probe: Probe, **arguments: Any) -> Any:
        reply = self._ask(title, self._seconds, *probe.asked(arguments))
        if reply.owner == "harness":
            raise HarnessError(reply.message)
        if reply.kind != "answered":
            raise StudentError(reply.kind, f"{title}: {reply.message}")
        value = packing.unpack(reply.value, reply.blobs)
        problem = packing.not_finite(value) if self._finite else ""
        if problem:
            raise StudentError("bad_answer", f"{title}: {problem}")
        return value


class Handle(Kept):
    """An object of the student's, which stays in the container; `student.new` makes it.

    Attributes and calls are those of the student's object. Plain data come back as they are,
    tensors as arrays; everything else, such as a method or a layer, is another handle. Tests may
    hand a handle to any call. An attribute that is set is set in the container. Handles of the same
    object are equal.
    """

    def __init__(self, number: int, student: Student, kind: str) -> None:
        super().__init__(number)
        object.__setattr__(self, "_student", student)
        object.__setattr__(self, "_kind", kind)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the object."""
        return self._received(
            f"{self._kind}()", _call_kept, args=list(args), kwargs=kwargs
        )

    def __getattr__(self, name: str) -> Any:
        """The object's attribute; raises MissingAttribute."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self._received(f"{self._kind}.{name}", _attribute, name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets the object's attribute; what is a tensor there remains one."""
        self._received(f"{self._kind}.{name}", _set_attribute, name=name, value=value)

    def __getitem__(self, key: Any) -> Any:
        """The object's item, such as a layer of a Sequential."""
        title = f"{self._kind}[{key!r}]"
        return self._received(title, _attribute, name="__getitem__")(key)

    def __repr__(self) -> str:
        return f"<the student's {self._kind}>"

    def _received(self, title: str, probe: Probe, **arguments: Any) -> Any:
        described = self._student.with_nan._asked(title, probe, of=self, **arguments)
        return _value(described, title, self)


def _value(described: Any, title: str, near: Handle) -> Any:
    """The value that the worker described; objects become handles."""
    if "data" in described:
        problem = packing.not_finite(described["data"]) if near._student._finite else ""
        if problem:
            raise StudentError("bad_answer", f"{title}: {problem}")
        return described["data"]
    if "items" in described:
        items = [_value(one, title, near) for one in described["items"]]
        return tuple(items) if described["tuple"] else items
    if "missing" in described:
        raise MissingAttribute("not_found", f"{title} does not exist: {described['why']}")
    return Handle(described["object"], near._student, described["kind"])


@probe
def _call(student, name, args, kwargs):  # type: ignore[no-untyped-def]  # its text is sent
    return student.call(name, *args, **kwargs)


@probe
def _new(student, name, args, kwargs):  # type: ignore[no-untyped-def]
    return student.handles.described(student.new(name, *args, **kwargs))


@probe
def _call_kept(student, of, args, kwargs):  # type: ignore[no-untyped-def]
    return student.handles.described(student.call_kept(of, *args, **kwargs))


@probe
def _attribute(student, of, name):  # type: ignore[no-untyped-def]
    return student.attribute(of, name)


@probe
def _set_attribute(student, of, name, value):  # type: ignore[no-untyped-def]
    student.handles.set_attribute(of, name, value)
    return {"data": None}


@probe
def _run(student, args, stdin, file):  # type: ignore[no-untyped-def]
    return student.run(*args, stdin=stdin, file=file)


@probe
def _parameters(student, of, args):  # type: ignore[no-untyped-def]
    lazy = "UninitializedParameter"   # torch's class for a parameter without a size
    return {
        name: [None, None, parameter.requires_grad] if type(parameter).__name__ == lazy
        else [list(parameter.shape), parameter.numel(), parameter.requires_grad]
        for name, parameter in student.parameters(of, *args).items()
    }


@probe
def _weights(student, of, args):  # type: ignore[no-untyped-def]
    return student.parameters(of, *args)
