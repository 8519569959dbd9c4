"""Collects the files of one submission in a new folder: copied, unpacked, or refused."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from grader.errors import RefusedArchive
from grader.submissions.archives import unpack
from grader.submissions.canvas import file_names
from grader.submissions.discover import HandIn
from grader.submissions.safe_writer import Caps, SafeWriter, is_clutter, kind, shown
from grader.submissions.student_names import module_name, owner
from grader.submissions.suffixes import is_archive, is_code

_CHUNK = 1024 * 1024


def collect(hand_in: HandIn, upload: Path, caps: Caps, notes: list[str]) -> None:
    """Copy and unpack everything into the new folder `upload`.

    Args:
        hand_in: the files to collect.
        upload: the folder to make.
        caps: the limits for all files together.
        notes: lines for the student are appended to it.

    Raises RefusedArchive, with a reason for the student.
    """
    sources = [source for source in hand_in.sources if kind(source) != "other"]
    odd = [shown(source.name) for source in hand_in.sources if source not in sources]
    if not sources:
        raise RefusedArchive(f"{odd[0]} is a link, a pipe or a device; hand in the file itself")
    notes.extend(map(_left_out, odd))
    match sources:
        case [source] if kind(source) == "folder":
            _copy_folder(source, upload, caps, notes)
            _unpack_the_only_archive(upload, caps)
        case [source] if is_archive(source.name):
            unpack(source, upload, caps)
        case _:
            _copy_side_by_side(sources, upload, caps, notes)
    _check_sum(upload, caps)


def _left_out(name: str) -> str:
    return f"{name} was left out: it is a link, a pipe or a device."


def _check_sum(upload: Path, caps: Caps) -> None:
    """Raise RefusedArchive if all files together exceed the caps, which each archive keeps."""
    sizes = [(upload / file).stat().st_size for file in files_in(upload)]
    if sum(sizes) > caps.total_bytes or len(sizes) > caps.entries:
        raise RefusedArchive(
            f"it holds more than {caps.entries:,} files or {caps.total_bytes:,} bytes; leave data "
            "sets and checkpoints out"
        )


def _copy_side_by_side(
    sources: Sequence[Path], upload: Path, caps: Caps, notes: list[str]
) -> None:
    """Collect several files; each archive and each folder gets a folder of its own."""
    writer, names = SafeWriter(upload, caps), file_names(sources)
    folders = [source for source in sources if kind(source) == "folder" or is_archive(source.name)]
    for source in sources:
        if source in folders:
            continue
        writer.file(names[source], chunks_of(source))
    for source in folders:
        inside = free(upload / module_name(Path(owner(source.name).file).stem))
        if kind(source) == "folder":
            _copy_folder(source, inside, caps, notes)
        else:
            unpack(source, inside, caps)
        _check_sum(upload, caps)


def _copy_folder(source: Path, upload: Path, caps: Caps, notes: list[str]) -> None:
    """Copy regular files; links are not followed, and pipes and devices are not opened."""
    writer = SafeWriter(upload, caps)
    for here, folders, files in os.walk(source, onerror=_fail):
        at = Path(here)
        folders[:] = sorted(name for name in folders if not is_clutter(name))
        for name in [*folders, *sorted(files)]:
            path = at / name
            relative = path.relative_to(source).as_posix()
            what = kind(path)
            if what == "file":
                if relative != "expected.yaml":  # a sample's expected marks are no part of it
                    writer.file(relative, chunks_of(path))
            elif what == "folder":
                writer.folder(relative)
            else:
                notes.append(_left_out(shown(relative)))
        if len(notes) > caps.entries:
            raise RefusedArchive(f"it holds more than {caps.entries:,} links or devices")


def _fail(error: OSError) -> None:
    """Raise the error: skipping an unreadable folder would cost the student marks."""
    raise error


def _unpack_the_only_archive(upload: Path, caps: Caps) -> None:
    """Unpack the archive in a folder that holds one archive and no code, as systems make them."""
    archives = [upload / file for file in files_in(upload) if is_archive(file)]
    has_code = any(map(is_code, files_in(upload)))
    if len(archives) == 1 and not has_code:
        unpack(archives[0], free(upload / module_name(archives[0].stem)), caps)
        archives[0].unlink()


def free(path: Path) -> Path:
    """Return `path`, or a numbered path beside it that does not exist yet."""
    free, number = path, 1
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}_{number}{path.suffix}")
    return free


def files_in(folder: Path) -> Iterator[str]:
    """Yield the files below a folder, relative to it, with forward slashes."""
    return (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def chunks_of(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes in chunks of 1 MiB."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
