"""Packs folders for another machine, and unpacks them there.

An archive has names and contents only: no owners, times, links or special files. So equal folders
are equal bytes, and a data set that a machine already has is recognised by its digest.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

from grader.errors import SandboxError


def packed(folder: Path) -> bytes:
    """Return the files of a folder as an archive. Raises SandboxError if they cannot be read."""
    buffer = io.BytesIO()
    try:
        if not folder.is_dir():
            raise NotADirectoryError(f"{folder} is not a folder")
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for path in sorted(folder.rglob("*")):
                if not path.is_symlink() and (path.is_file() or path.is_dir()):
                    _add(archive, path, path.relative_to(folder).as_posix())
    except OSError as error:
        raise SandboxError(f"a folder could not be packed for another machine: {error}") from None
    return buffer.getvalue()


def unpacked(archive: bytes, folder: Path) -> Path:
    """Unpack what `packed` made into a new folder, which every user may read; return the folder."""
    folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    folder.chmod(0o755)   # a container's user is another one
    return folder


def digest_of(archive: bytes) -> str:
    """Return the digest by which machines recognise an archive."""
    return hashlib.sha256(archive).hexdigest()


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tarfile.TarInfo(name)
    if path.is_dir():
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(entry)
    else:
        content = path.read_bytes()
        entry.mode, entry.size = 0o644, len(content)
        archive.addfile(entry, io.BytesIO(content))
