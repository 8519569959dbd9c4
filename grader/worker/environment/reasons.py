"""Tells errors that only the grader's machine causes from those of the student's code.

Nobody loses points for the former: a person looks at them. Where an error may be either, such as
the import of a module that nobody here knows, it counts as the machine's.
"""

from __future__ import annotations

import argparse
import ast
import errno
import pickle
import re
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path, PurePath, PureWindowsPath

from grader.worker.environment import packages
from grader.worker.environment.errors import chain, message_of, own_frames
from grader.worker.environment.newer_syntax import version_needed

_GPU = re.compile(
    r"(?<![A-Za-z])(cuda|cudnn|gpus?|nvidia|nvml|nvcc|mps)(?![A-Za-z])|"
    r"not implemented for '(Half|BFloat16)'", re.IGNORECASE,
)  # fmt: skip
_NO_SUCH_GPU = re.compile(r"invalid device ordinal|No CUDA GPUs are available")
_REMOVED = re.compile(
    r"was removed in|has been removed|was a deprecated alias|Weights only load failed|"
    r"weights_only|unexpected keyword argument 'verbose'", re.IGNORECASE,
)  # fmt: skip
_NO_NETWORK = re.compile(
    r"there is no network here|name resolution|Name or service not known|nodename nor servname|"
    r"getaddrinfo failed|Network is unreachable|Max retries exceeded|couldn't connect to",
    re.IGNORECASE,
)
_PICTURES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm"))


def lacking(error: BaseException, folder: Path, *, gpu: bool) -> str:
    """Return what this machine lacks and the error is due to, in words; "" if it is the student's.

    Args:
        error: the exception that ended the student's code.
        folder: the session's copy of the submission.
        gpu: True if the code has a GPU.
    """
    rules: tuple[Callable[[BaseException, Path], str], ...] = (
        _syntax, packages.missing, _another_gpu if gpu else _gpu,
        _version, _program, _terminal, _network, _path,
    )  # fmt: skip
    for one in chain(error):
        for rule in rules:
            if reason := rule(one, folder):
                return reason
    return ""


def python_version() -> str:
    """The version of Python that reads the student's files, as `Python 3.13`."""
    return f"Python {sys.version_info.major}.{sys.version_info.minor}"


def _syntax(error: BaseException, folder: Path) -> str:
    if not isinstance(error, SyntaxError) or not error.filename:
        return ""
    try:
        text = Path(error.filename).read_text(encoding="utf-8-sig", errors="replace")
    except (OSError, ValueError):
        text = (error.text or "").strip()   # of a notebook's cell
    needed = version_needed(text) if text else None
    if needed is None or needed <= sys.version_info[:2]:
        return ""
    return f"{python_version()} was used, and this syntax needs Python {needed[0]}.{needed[1]}"


def _version(error: BaseException, folder: Path) -> str:
    """Something that a newer version of a library has removed."""
    kinds = (AttributeError, ImportError, TypeError, pickle.UnpicklingError)
    if not isinstance(error, kinds) or not _REMOVED.search(message_of(error)):
        return ""
    return f"{packages.installed(_library(error))} is used here, an older one would have run this"


def _library(error: BaseException) -> str:
    """The package whose code raised an error, else the one that its text names first."""
    last = traceback.extract_tb(error.__traceback__)[-1].filename
    inside = Path(last).parts
    if "site-packages" in inside:
        return Path(*inside[inside.index("site-packages") + 1 :]).parts[0].removesuffix(".py")
    return packages.quoted(message_of(error)).partition(".")[0] or "another version"


def _gpu(error: BaseException, folder: Path) -> str:
    others = (NameError, SyntaxError, ImportError, LookupError)
    if isinstance(error, others):
        return ""
    words = (message_of(error).strip().splitlines() or [""])[0]
    frames = own_frames(error, folder)
    raised_here = frames and frames[-1] == traceback.extract_tb(error.__traceback__)[-1]
    if raised_here or (frames and isinstance(error, SystemExit)):
        words += "\n" + _condition(Path(frames[-1].filename), frames[-1].lineno or 0)
    return "there is no GPU here" if _GPU.search(words) else ""


def _another_gpu(error: BaseException, folder: Path) -> str:
    """A GPU of the student's machine that is not here, such as the second one."""
    missed = isinstance(error, RuntimeError) and _NO_SUCH_GPU.search(message_of(error))
    return "the code asks for a GPU by its number, and only number 0 is here" if missed else ""


def _condition(path: Path, line: int) -> str:
    """The `assert`, or the innermost `if` around a `raise` or a call that exits, as text."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8-sig", errors="replace"))
    except (OSError, SyntaxError, ValueError, RecursionError):
        return ""
    around = [
        node for node in ast.walk(tree)
        if isinstance(node, (ast.Assert, ast.Raise, ast.Expr, ast.If))
        and node.lineno <= line <= (node.end_lineno or line)
    ]
    around.sort(key=lambda node: (node.end_lineno or 0) - node.lineno)
    if not around or isinstance(around[0], ast.If):
        return ""
    outer = [node for node in around if isinstance(node, ast.If)][:1]
    return "\n".join(ast.unparse(node) for node in (around[0], *outer))


def _program(error: BaseException, folder: Path) -> str:
    """A program that the code starts, such as `dot` or `nvidia-smi`."""
    if type(error).__name__ == "ExecutableNotFound":   # of graphviz
        return "the program dot is not installed here"
    last = traceback.extract_tb(error.__traceback__)[-1:]
    if isinstance(error, FileNotFoundError) and any(
        frame.filename == subprocess.__file__ for frame in last
    ):
        return f"the program {PurePath(str(error.filename)).name} is not installed here"
    return ""


def _terminal(error: BaseException, folder: Path) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOTTY:
        return "there is no terminal here"
    if type(error).__module__ == "termios":
        return "there is no terminal here"
    if isinstance(error, EOFError) and "reading a line" in message_of(error):
        return "there is no keyboard here, and the code waits for input"
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, SystemExit) and any(f.filename == argparse.__file__ for f in frames):
        return "the code is run without arguments here, and its command line needs some"
    return ""


def _network(error: BaseException, folder: Path) -> str:
    may_be = isinstance(error, (OSError, RuntimeError))   # a URLError is an OSError
    lost = may_be and _NO_NETWORK.search(message_of(error))
    return "there is no network here" if lost else ""


def _path(error: BaseException, folder: Path) -> str:
    """A folder, a picture, or anything outside of the upload, that is on the student's machine."""
    if not isinstance(error, OSError) or not isinstance(error.filename, str):
        return ""
    name = error.filename
    foreign = (PurePath(name).is_absolute() or PureWindowsPath(name).is_absolute()) and not (
        name.startswith(str(folder.parent))
    )
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return f"{name} cannot be written here" if foreign else ""
    if isinstance(error, FileNotFoundError):
        suffix = PurePath(name).suffix.lower()
        if foreign or not suffix or suffix in _PICTURES:
            return f"{name} is not in the upload"
    return ""
