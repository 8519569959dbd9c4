"""The state of a session, which the probes share, and the errors that they raise."""

from __future__ import annotations

import math
import os
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from grader import wire
from grader.worker.environment.errors import message_of, own_frames
from grader.worker.environment.gpu_faults import GpuRoom, fault
from grader.worker.environment.home import Home
from grader.worker.environment.reasons import lacking, python_version

if TYPE_CHECKING:
    from grader.worker.observer.built_optimizers import BuiltOptimizers

MAX_TRACEBACK = 6000   # characters
Frame = tuple[dict[str, Any], tuple[bytes, ...]]
Consult = Callable[[Mapping[str, Any], tuple[bytes, ...]], Frame]


class NotFound(Exception):
    """The submission has nothing that answers the question; the text says what was searched for."""


class BadAnswer(Exception):
    """The student's code returned something that cannot be an answer; the text says what."""


class ProbeFailed(Exception):
    """An instructor's own probe raised an exception; the text says where and which."""


class OutOfTime(Exception):
    """The student's code used up its time without a result; the text says which line it was at."""


class Predictor(Protocol):
    """A trained network together with the way in which it gets its images."""

    def predict(self, images: Any) -> Any:
        """Return float32 logits (N, classes) for uint8 images (N, H, W, 3)."""


@dataclass
class Session:
    """State that the probes of one submission share, from one question to the next.

    Attributes:
        folder: a writable copy of the submission.
        data: the folder with the profile's images, if the questions need any.
        loaded: reports to the supervisor that the student's files are loaded.
        consult: sends an INTERIM message to the host and returns its reply.
        send: sends a frame to the supervisor.
        trained: the network that the latest training produced.
        student: the `Student` of an instructor's own probes, made for the first of them.
        optimizers: those that the student's code builds, once a probe has installed it.
        left: data of a question that ends without an answer, sent beside its outcome.
        notes: remarks for the report, such as an exception that costs nothing.
        home: what the code has asked for and did not find.
        gpu_room: the code's share of the GPU's memory.
        gpu_fault: what was wrong with the GPU while the latest question was asked; "" if nothing.
    """

    folder: Path
    data: Path | None
    loaded: Callable[[], None]
    consult: Consult | None = None
    send: Callable[[bytes], None] | None = None
    trained: Predictor | None = None
    student: object | None = None
    optimizers: BuiltOptimizers | None = None
    left: Mapping[str, Any] | None = None
    notes: list[str] = field(default_factory=list)
    home: Home = field(default_factory=Home)
    gpu_room: GpuRoom | None = None
    gpu_fault: str = ""


Answer = tuple[Any, tuple[bytes, ...]]
Probe = Callable[[Session, Mapping[str, Any], tuple[bytes, ...]], Answer]


def failure(error: BaseException, session: Session) -> dict[str, str]:
    """Describe an exception as a reply: `outcome`, `message` and `traceback`.

    The traceback starts in the student's file and leaves out the worker's own frames. The outcome
    is WORKER_FAILED when the worker raised the exception without the student's code on the stack,
    or when the GPU failed, which `session.gpu_fault` then tells. It is ENVIRONMENT when this
    machine lacks something that a student's machine has.
    """
    folder = session.folder
    every = traceback.extract_tb(error.__traceback__)
    worker = str(Path(__file__).parent)
    ours = bool(every) and every[-1].filename.startswith(worker)
    frames = [
        frame for frame in every
        if not frame.filename.startswith((worker, "<frozen importlib"))
    ]  # fmt: skip
    own = [index for index, frame in enumerate(frames) if frame.filename.startswith(str(folder))]
    # The worker parses the student's files, so it is the one to raise their syntax errors.
    parsing = isinstance(error, SyntaxError)
    shown = frames[own[0] :] if own else [] if parsing else every[-3:]
    if own and _cell_of(error):   # its line stands for a cell that is no Python
        shown = shown[:-1]
    lines = traceback.format_list(shown) if shown else []
    lines += traceback.format_exception_only(error)
    text = "".join(lines).replace(str(folder) + os.sep, "")
    if len(text) > MAX_TRACEBACK:
        text = text[: MAX_TRACEBACK // 2] + "\n[...]\n" + text[-MAX_TRACEBACK // 2 :]
    summary = _summary(error, folder)
    reason = fault(error, folder, session.gpu_room) if session.home.gpu else ""
    if reason:
        session.gpu_fault = printable(f"{reason} ({summary})")
    broken = bool(reason) or (ours and not own and not parsing)
    if not broken:
        known = lacking(error, folder, gpu=session.home.gpu)
        reason = session.home.reason(error, summary, known)
    kind = wire.WORKER_FAILED if broken else wire.ENVIRONMENT if reason else wire.EXCEPTION
    return {
        "outcome": kind,
        "message": printable(f"{reason} ({summary})" if reason else summary),
        "traceback": printable(text),
    }


def _summary(error: BaseException, folder: Path) -> str:
    """Return where an exception was raised, its type and the first line of its text."""
    own = own_frames(error, folder)
    where = f"{place(Path(own[-1].filename), own[-1].lineno)}: " if own else ""
    first_line = (message_of(error).strip().splitlines() or [""])[0][:300]
    if own and (cell := _cell_of(error)):
        where = f"{Path(own[-1].filename).name}, {cell}: "
        first_line = first_line.removesuffix(f" ({cell})")
    elif isinstance(error, SyntaxError):
        first_line += f"; {python_version()} read the file"
    return f"{where}{type(error).__name__}" + (f": {first_line}" if first_line else "")


def _cell_of(error: BaseException) -> str:
    """`cell 3, line 2` for the error of a notebook's cell that is no Python; "" for any other."""
    if isinstance(error, SyntaxError) and re.fullmatch(r"cell \d+", error.filename or ""):
        return f"{error.filename}, line {error.lineno}"
    return ""


def how_it_ended(error: SystemExit, folder: Path) -> str:
    """Say where a program ended itself, and whether that line of the student's calls exit()."""
    own = own_frames(error, folder)
    status = printable(message_of(error)[:300])
    if not own or re.search(r"exit\s*\(|quit\s*\(|SystemExit", own[-1].line or ""):
        told = f"the code called exit({status}) before it had answered"
    else:
        told = f"`{printable((own[-1].line or '')[:80])}` ended the program, with status {status}"
    where = innermost(error, folder)
    return f"{where}: {told}" if where else told


def innermost(error: BaseException, folder: Path) -> str:
    """The innermost line of the student's files that an exception passed through; "" for none."""
    own = own_frames(error, folder)
    if not own:
        return ""
    inside = own[-1].name
    name = f", in {inside}()" if not inside.startswith("<") else ""
    return place(Path(own[-1].filename), own[-1].lineno) + name


def place(path: Path, line: int | None) -> str:
    """A line for people: `hw2.py, line 12`, or `hw2.py, cell 3, line 2` in a notebook."""
    return f"{path.name}, {cell_and_line(path, line)}"


def cell_and_line(path: Path, line: int | None) -> str:
    """`line 12`, or `cell 3, line 2` in a file that was converted from a notebook."""
    line = line or 1
    try:
        before = path.read_text(encoding="utf-8").split("\n")[:line]
    except (OSError, UnicodeDecodeError):
        before = []
    for index in range(len(before) - 1, -1, -1):
        if mark := re.fullmatch(r"# %% \[cell (\d+)\]", before[index]):
            return f"cell {mark[1]}, line {line - index - 1}"
    return f"line {line}"


def printable(text: str) -> str:
    """Replace lone surrogates, which a frame must not carry."""
    return text.encode("utf-8", "replace").decode("utf-8")


def encodable(value: Any) -> Any:
    """Make a value fit for a frame: NaN and infinity, as of a diverged loss, become text, and lone
    surrogates in the student's names are replaced."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: encodable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [encodable(inner) for inner in value]
    return value
