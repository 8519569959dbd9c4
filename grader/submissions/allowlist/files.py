"""Looks at the files of an upload that are no Python: pickles, archives, compiled code."""

from __future__ import annotations

import pickletools
from pathlib import PurePath

from grader.submissions.allowlist.allowed import words

_COMPILED = words(".so .pyd .pyc .pyo .dylib .dll .egg .whl .pyz")
_PACKED = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!")
_IMPORTS = words("GLOBAL STACK_GLOBAL INST EXT1 EXT2 EXT4 PERSID BINPERSID")
# What a pickle of arrays, such as a batch of images, is made of.
_ARRAYS = frozenset(
    f"{module} {name}"
    for module, name in (
        ("_codecs", "encode"), ("numpy", "dtype"), ("numpy", "ndarray"),
        ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"),
    )
)  # fmt: skip
_MOST = 1_000_000   # operations of a pickle that are looked at
_TAIL = 66_000   # bytes at the end of a zip that hold its directory


def is_compiled(name: str) -> bool:
    """Return True for a file that Python can import and that holds no source."""
    return PurePath(name).suffix.lower() in _COMPILED


def is_pickle(data: bytes) -> bool:
    """Return True for a pickle that names more than numpy's arrays, and for a packed file.

    A checkpoint of torch's is a zip with a pickle in it.
    """
    if data.startswith(_PACKED) or data[257:262] == b"ustar":
        return True
    try:
        for number, (operation, argument, _) in enumerate(pickletools.genops(data)):
            if operation.name in _IMPORTS and argument not in _ARRAYS:
                return True
            if number > _MOST:
                return True
    except Exception:   # it is none
        return False
    return False


def is_zip(data: bytes) -> bool:
    """Return True for a file that Python could import from as from a zip."""
    return b"PK\x05\x06" in data[-_TAIL:]
