"""A session: one process that loads the student's code and answers the questions put to it."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from grader import wire
from grader.worker.process.fast_imports import load_worker
from grader.worker.process.folder import arrange
from grader.worker.process.gpu_memory import limit_gpu_memory
from grader.worker.process.streams import take_over, write_all

if TYPE_CHECKING:
    from grader.worker.probes.candidates import Candidate
    from grader.worker.probes.custom import Student

MAX_TRACEBACK = 6000
Frame = tuple[dict[str, Any], tuple[bytes, ...]]
Consult = Callable[[Mapping[str, Any], tuple[bytes, ...]], Frame]


class NotFound(Exception):
    """The submission has nothing that answers this question; the text says what was looked for."""


class BadAnswer(Exception):
    """The student's code returned something that cannot be an answer; the text says what."""


class ProbeFailed(Exception):
    """A probe of the instructor's own failed by itself; the text says where and how."""


class OutOfTime(Exception):
    """The student's code took all of its time and has nothing to show; the text says where it was.
    """


@dataclass
class Session:
    """What later questions of a session find of earlier ones. `folder` is a writable copy.

    `consult` sends an INTERIM to the host and returns its reply.
    """

    folder: Path
    data: Path | None
    loaded: Callable[[], None]
    consult: Consult | None = None
    trained: Candidate | None = None
    student: Student | None = None
    notes: list[str] = field(default_factory=list)


Answer = tuple[Any, tuple[bytes, ...]]
Probe = Callable[[Session, Mapping[str, Any], tuple[bytes, ...]], Answer]


def main() -> None:
    """Answer questions until there are no more. Called in a process of its own."""
    questions, answers = take_over()
    frame = wire.read_frame(questions.read)
    if frame is None:
        return
    with contextlib.suppress(Exception):   # `_open` tries again, and what it raises is answered
        _load()
    session: Session | None = None
    while question := wire.read_frame(questions.read):
        try:
            session = session or _open(frame[0], questions, answers)
            reply, reply_blobs = _answer(session, *question)
        except Exception:
            # Not the student's: what the student's code raises has become an answer by now.
            reply, reply_blobs = _broken(traceback.format_exc()), ()
        with contextlib.suppress(Exception):   # it is the student's by now, and may be closed
            sys.stdout.flush()
        write_all(answers, wire.encode({"type": wire.ANSWER, **reply}, reply_blobs))
        _confirm(questions, answers)
    # Interpreter shutdown costs most of a second and would run the student's exit handlers.
    os._exit(0)


def _confirm(questions: BinaryIO, answers: BinaryIO) -> None:
    """Say once more that the answer was this loop's; see `supervisor._unconfirmed`."""
    frame = wire.read_frame(questions.read)
    if frame is not None and frame[0]["type"] == wire.CONFIRM:
        write_all(answers, wire.encode({"type": wire.CONFIRMED, "token": frame[0]["token"]}))


def _broken(text: str) -> dict[str, Any]:
    return {"outcome": wire.WORKER_FAILED, "message": printable(text[-MAX_TRACEBACK:])}


def _load() -> None:
    """A forked session has it all from the supervisor."""
    if "grader.worker.probes" not in sys.modules:
        load_worker()


def _open(start: Mapping[str, Any], questions: BinaryIO, answers: BinaryIO) -> Session:
    # Before the student's folder is on the path, where a torch.py or a json.py may lie.
    _load()
    limit_gpu_memory(start.get("gpu_share"), sys.modules["torch"].cuda)

    def loaded() -> None:
        write_all(answers, wire.encode({"type": wire.LOADED}))

    def consult(message: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Frame:
        write_all(answers, wire.encode({"type": wire.INTERIM, **message}, blobs))
        reply = wire.read_frame(questions.read)
        if reply is None or reply[0].get("type") != wire.CONTINUE:
            raise EOFError("the grader did not reply")
        return reply

    data = Path(start["data"]) if start["data"] else None
    folder = arrange(Path(start["submission"]), Path(start["scratch"]), data)
    return Session(folder, data, loaded, consult)


def _answer(
    session: Session, message: Mapping[str, Any], blobs: tuple[bytes, ...]
) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    from grader.worker.probes import PROBES

    try:
        value, reply_blobs = PROBES[message["kind"]](session, message["args"], blobs)
        # A value that JSON cannot hold is the student's: it is told apart here, not on the host.
        wire.encode({"value": value})
        return {"outcome": wire.ANSWERED, "value": value}, reply_blobs
    except NotFound as error:
        return {"outcome": wire.NOT_FOUND, "message": str(error)}, ()
    except BadAnswer as error:
        return {"outcome": wire.BAD_ANSWER, "message": str(error)}, ()
    except OutOfTime as error:
        return {"outcome": wire.TIME_LIMIT, "message": str(error)}, ()
    except ProbeFailed as error:
        return {"outcome": wire.WORKER_FAILED, "message": printable(str(error))}, ()
    except SystemExit as error:
        text = f"the code called exit({_words_of(error)[:300]}) before it had answered"
        return {"outcome": wire.EXITED, "message": text}, ()
    except BaseException as error:
        return failure(error, session.folder), ()


def failure(error: BaseException, folder: Path) -> dict[str, Any]:
    """The reply for an exception; its traceback starts in the student's file."""
    every = traceback.extract_tb(error.__traceback__)
    mine = str(Path(__file__).parent)
    ours = bool(every) and every[-1].filename.startswith(mine)
    # What watches stands between the student's lines, and is nobody's business.
    frames = [frame for frame in every if not frame.filename.startswith(mine)]
    own = [index for index, frame in enumerate(frames) if frame.filename.startswith(str(folder))]
    shown = frames[own[0] :] if own else every[-3:]
    lines = traceback.format_list(shown) if shown else []
    lines += traceback.format_exception_only(error)
    text = "".join(lines).replace(str(folder) + os.sep, "")
    if len(text) > MAX_TRACEBACK:
        text = text[: MAX_TRACEBACK // 2] + "\n[...]\n" + text[-MAX_TRACEBACK // 2 :]
    where = ""
    if own:
        where = f"{place(Path(frames[own[-1]].filename), frames[own[-1]].lineno)}: "
    first_line = (_words_of(error).strip().splitlines() or [""])[0][:300]
    summary = f"{where}{type(error).__name__}" + (f": {first_line}" if first_line else "")
    parsing = isinstance(error, SyntaxError)   # of a file that is read here and not run
    return {
        # Raised in the worker's own code, and not called from the student's: a fault of ours.
        "outcome": wire.WORKER_FAILED if ours and not own and not parsing else wire.EXCEPTION,
        "message": printable(summary),
        "traceback": printable(text),
    }


def innermost(error: BaseException, folder: Path) -> str:
    """The innermost line of the student's at which an exception was raised; "" without one."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(str(folder))]
    if not own:
        return ""
    inside = own[-1].name
    name = f", in {inside}()" if not inside.startswith("<") else ""
    return place(Path(own[-1].filename), own[-1].lineno) + name


def place(path: Path, line: int | None) -> str:
    """`hw2.py, line 12`."""
    return f"{path.name}, {cell_and_line(path, line)}"


def _words_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:   # an exception class of the student's own can fail at that, too
        return ""


def cell_and_line(path: Path, line: int | None) -> str:
    """`line 12`, or `cell 3, line 2` in a file that was made from a notebook."""
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
    """Without lone surrogates, which a frame must not carry."""
    return text.encode("utf-8", "replace").decode("utf-8")


if __name__ == "__main__":
    main()
