"""Lets a script write where the student's machine has a folder and the sandbox has none.

A missing folder in the submission's is made: an empty folder is not in an upload. A file elsewhere,
such as below `/content/drive`, goes to a folder of the session's, and is found there again. In a
folder that this machine has, such as `/etc`, nothing is made up.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from grader.worker.shims.import_hooks import OnImport
from grader.worker.shims.log import ShimLog
from grader.worker.shims.paths import as_text

# Folders of other machines are made in these and in the root: `/home/ada`, `/mnt/data`, `/content`.
_OF_PEOPLE = ("/home", "/mnt", "/media", "/Users")


class Folders:
    """Decides where files are written and read; `folder` is the submission's.

    Its parent is the session's own as well: `../results` is made there.
    """

    def __init__(self, log: ShimLog, folder: Path) -> None:
        self._log = log
        self._own = folder.parent.resolve()
        self._any = False   # something was written elsewhere; libraries look for many files
        # Before they are patched: what is patched asks this class.
        self._mkdir, self._is_folder, self._exists = os.mkdir, os.path.isdir, os.path.lexists

    def to_write(self, asked: Any) -> Any:
        """The path to write to; the folder for it is made if it is missing."""
        text = as_text(asked)
        if not text:
            return asked
        path = Path(os.path.normpath(Path.cwd() / text))
        return asked if self._is_folder(path.parent) else self._placed(asked, path)

    def to_make(self, asked: Any) -> Any:
        """The folder to make, below its parent, which is made if it is missing.

        None is made elsewhere on this machine, however much the user may write there.

        Raises:
            PermissionError: It would lie in a folder of this machine's system.
        """
        path = Path(os.path.normpath(Path.cwd() / as_text(asked)))
        if not as_text(asked) or self._is_folder(path):
            return asked
        peoples = path.parent == path.parent.parent or str(path.parent) in _OF_PEOPLE
        if self._is_folder(path.parent) and not peoples and not self._is_own(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(asked))
        return self._placed(asked, path)

    def _placed(self, asked: Any, path: Path) -> Any:
        if self._is_own(path):
            self._make(path.parent)
            return asked
        self._log.note(f"{asked} is outside of the upload; it was written to another folder")
        self._any = True
        moved = self._moved(path)
        self._make(moved.parent)
        return type(asked)(str(moved))

    def to_read(self, asked: Any) -> Any:
        """The path of what was written elsewhere; other paths are unchanged."""
        if not self._any:
            return asked
        path = Path(as_text(asked))
        if not path.is_absolute() or self._exists(path) or self._is_own(path):
            return asked
        moved = self._moved(path)
        return type(asked)(str(moved)) if self._exists(moved) else asked

    def enter(self, asked: Any) -> Any:
        """The folder to change to; the current one for a missing one."""
        path = self.to_read(asked)
        if not as_text(path) or self._is_folder(path):
            return path
        self._log.note(f"{asked} is not in the upload; the script went on in its own folder")
        return os.curdir

    def _is_own(self, path: Path) -> bool:
        temporary = Path(tempfile.gettempdir()).resolve()
        return any(path.resolve().is_relative_to(one) for one in (self._own, temporary))

    def _moved(self, path: Path) -> Path:
        return self._own / "elsewhere" / os.path.normpath(path).lstrip("/\\").replace(":", "")

    def _make(self, folder: Path) -> None:
        if self._is_folder(folder):
            return
        self._make(folder.parent)
        with contextlib.suppress(OSError):   # a file is in the way; writing tells
            self._mkdir(folder)


def install(folders: Folders, on_import: OnImport) -> None:
    """Patch what writes without `open`, which `files.install` patches."""
    write, both = folders.to_write, (folders.to_read, folders.to_write)
    os.mkdir = _with(os.mkdir, folders.to_make)
    os.rename, os.replace = _with(os.rename, *both), _with(os.replace, *both)
    os.chdir = _with(os.chdir, folders.enter)
    torch.save = _with(torch.save, lambda value: value, write)
    torch.jit.save = _with(torch.jit.save, lambda value: value, write)
    low = os.open

    @functools.wraps(low)
    def open_(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        return low(write(path) if flags & os.O_CREAT else path, flags, *args, **kwargs)

    os.open = open_
    on_import.do("cv2", lambda cv2: setattr(cv2, "imwrite", _with(cv2.imwrite, write)))
    on_import.do(
        "pandas.io.common", lambda module: setattr(module, "check_parent_directory", write)
    )


def _with(function: Callable[..., Any], *changes: Callable[[Any], Any]) -> Any:
    """A function that gets its first arguments changed."""

    @functools.wraps(function)
    def changed(*args: Any, **kwargs: Any) -> Any:
        given = [change(arg) for change, arg in zip(changes, args, strict=False)]
        for name in ("f", "dst"):
            if name in kwargs:
                kwargs[name] = changes[-1](kwargs[name])
        return function(*given, *args[len(given) :], **kwargs)

    for known in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        if function in known:   # shutil checks which functions take a descriptor
            known.add(changed)
    return changed
