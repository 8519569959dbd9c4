"""Names under which the files of a submission are stored: safe ones, as like theirs as possible."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import PurePath

from grader.submissions.suffixes import plain_name

# Files of editors, systems and tools, which are no part of a homework.
CLUTTER = frozenset(
    {
        "__MACOSX",
        ".DS_Store",
        "Thumbs.db",
        "desktop.ini",
        "Icon\r",  # a folder's own picture, as in Google Drive
        "__pycache__",
        "site-packages",   # a virtual environment
        "node_modules",
        ".git",
        ".idea",
        ".vscode",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".pytest_cache",
        ".venv",
        "venv",
    }
)
# Control, format (bidirectional overrides, soft hyphens), surrogates, line and paragraph separators.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # Persian names and family emoji are spelt with them
_DRIVE = re.compile(r"/*[A-Za-z]:(?=/)")
_SHORT = 120  # bytes of a name that replaces one that is too long
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", re.IGNORECASE)  # on Windows


def is_clutter(name: str) -> bool:
    """Return True for files and folders that are left out without a note."""
    return name in CLUTTER or name.startswith("._")  # "._x" is macOS's metadata of "x"


def stored_name(
    name: str, length: int, depth: int, windows: bool = os.name == "nt"
) -> tuple[str, ...] | None:
    """Return the components of a safe relative path for `name`; None if it leads out by '..'.

    The root of an absolute path is dropped, as `tar` and `unzip` do. Characters that nobody sees
    are removed, and code gets its usual suffix. A file whose path is too long or too deep comes to
    the top, under a shorter name.

    Args:
        name: The name in the archive or folder, with forward slashes.
        length: The longest path, in bytes of UTF-8.
        depth: The most components.
        windows: Replace what Windows cannot store, too.
    """
    text = name[found.end() :] if (found := _DRIVE.match(name)) else name
    given = tuple(part for part in map(_visible, text.split("/")) if part not in ("", "."))
    if ".." in given:
        return None
    if not given:
        return given
    parts = (*given[:-1], plain_name(given[-1]))
    if windows:
        parts = tuple(map(_for_windows, parts))
    if len("/".join(parts).encode()) > length or len(parts) > depth:
        suffix = PurePath(parts[-1]).suffix[:10]
        short = parts[-1].removesuffix(suffix).encode()[: min(_SHORT, length - 40)]
        return (short.decode(errors="ignore") + suffix,)
    return parts


def numbered(
    parts: tuple[str, ...], is_taken: Callable[[tuple[str, ...]], bool]
) -> tuple[str, ...]:
    """Return `parts`, or the same with a number before the suffix, whichever is not taken."""
    path, free, number = PurePath(parts[-1]), parts, 1
    while is_taken(free):
        number += 1
        free = (*parts[:-1], f"{path.stem}_{number}{path.suffix}")
    return free


def _visible(part: str) -> str:
    """Return a component without what is not seen, and decoded if it is not UTF-8."""
    try:
        part.encode()
    except UnicodeEncodeError:  # bytes that the system could not decode
        part = part.encode("utf-8", "surrogateescape" if _escaped(part) else "replace").decode(
            "cp1252", "replace"
        )
    return "".join(map(_seen, part))


def _escaped(part: str) -> bool:
    return all(not "\ud800" <= one <= "\udfff" or "\udc80" <= one <= "\udcff" for one in part)


def _seen(character: str) -> str:
    kind = unicodedata.category(character)
    if character in _JOINERS or kind not in _INVISIBLE:
        return "_" if character == "\\" else character
    return "" if kind == "Cf" else "_"


def _for_windows(part: str) -> str:
    part = re.sub(r'[<>:"|?*]', "_", part).rstrip(". ")
    return f"_{part}" if _DEVICE.match(part) or not part else part
