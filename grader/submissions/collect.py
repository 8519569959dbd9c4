"""What one student handed in, brought into one new folder: copied, unpacked, or refused."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from grader.submissions.archives import is_archive, unpack
from grader.submissions.canvas import file_names
from grader.submissions.discover import HandIn
from grader.errors import RefusedArchive
from grader.submissions.safe_writer import Caps, SafeWriter, is_clutter, kind, shown
from grader.submissions.student_names import module_name, owner

_CHUNK = 1024 * 1024


def collect(hand_in: HandIn, upload: Path, caps: Caps, notes: list[str]) -> None:
    """Bring everything into the new folder `upload`; raises RefusedArchive."""
    sources = [source for source in hand_in.sources if kind(source) != "other"]
    odd = [shown(source.name) for source in hand_in.sources if source not in sources]
    if not sources:
        raise RefusedArchive(f"{odd[0]} is a link, a pipe or a device; hand in the file itself")
    notes.extend(f"{name} is a link or a device and was left out." for name in odd)
    match sources:
        case [source] if kind(source) == "folder":
            _copy_folder(source, upload, caps, notes)
            _unpack_the_only_archive(upload, caps)
        case [source] if is_archive(source):
            unpack(source, upload, caps)
        case _:
            _copy_side_by_side(sources, upload, caps, notes)
    _check_sum(upload, caps)


def _check_sum(upload: Path, caps: Caps) -> None:
    """Each archive is unpacked within the caps; here they hold for all of them together."""
    sizes = [(upload / file).stat().st_size for file in files_in(upload)]
    if sum(sizes) > caps.total_bytes or len(sizes) > caps.entries:
        raise RefusedArchive(
            f"it holds more than {caps.entries:,} files or {caps.total_bytes:,} bytes; leave data "
            "sets and checkpoints out"
        )


def _copy_side_by_side(
    sources: Sequence[Path], upload: Path, caps: Caps, notes: list[str]
) -> None:
    """Several files of one student; what an archive or a folder holds gets a folder of its own."""
    writer, names = SafeWriter(upload, caps), file_names(sources)
    folders = [source for source in sources if kind(source) == "folder" or is_archive(source)]
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
    """Regular files only: links are not followed, pipes and devices not opened."""
    writer = SafeWriter(upload, caps)
    for here, folders, files in os.walk(source, onerror=_fail):
        at = Path(here)
        folders[:] = sorted(name for name in folders if not is_clutter(name))
        for name in [*folders, *sorted(files)]:
            path = at / name
            relative = path.relative_to(source).as_posix()
            what = kind(path)
            if what == "file":
                if relative != "expected.yaml":  # a sample's marks lie beside it, not in it
                    writer.file(relative, chunks_of(path))
            elif what == "folder":
                writer.folder(relative)
            else:
                notes.append(f"{shown(relative)} is a link or a device and was left out.")
        if len(notes) > caps.entries:
            raise RefusedArchive(f"it holds more than {caps.entries:,} links or devices")


def _fail(error: OSError) -> None:
    """A folder that can't be read is the grader's trouble; to skip it would cost marks."""
    raise error


def _unpack_the_only_archive(upload: Path, caps: Caps) -> None:
    """A system's folder with nothing but the student's archive in it stands for that archive."""
    archives = [upload / file for file in files_in(upload) if is_archive(Path(file))]
    has_code = any(file.lower().endswith((".py", ".ipynb")) for file in files_in(upload))
    if len(archives) == 1 and not has_code:
        unpack(archives[0], free(upload / module_name(archives[0].stem)), caps)
        archives[0].unlink()


def free(path: Path) -> Path:
    """`path`, or one beside it that nothing has taken."""
    free, number = path, 1
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}_{number}{path.suffix}")
    return free


def files_in(folder: Path) -> Iterator[str]:
    return (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def chunks_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
