"""Collects the files of one submission in a new folder: copied, unpacked, or left out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePath

from grader.errors import RefusedArchive, UnreadableArchive
from grader.submissions.archives import opened
from grader.submissions.canvas import file_names
from grader.submissions.left_out import LeftOut
from grader.submissions.safe_writer import Caps, Member, SafeWriter, free, kind
from grader.submissions.steps import TOO_MUCH, Steps
from grader.submissions.stored_names import is_clutter
from grader.submissions.student_names import module_name, owner
from grader.submissions.suffixes import is_archive, is_code, is_document, stem

_CHUNK = 1024 * 1024
_IRREGULAR = "it is a link, a pipe or a device; hand in the file itself"
_TOO_MUCH = f"{TOO_MUCH}; hand in the .py or .ipynb itself"
_MOST_ARCHIVES = 20   # opened in one submission
_DEEPEST = 64   # folders that are looked into


def collect(sources: Sequence[Path], upload: Path, caps: Caps, steps: Steps) -> LeftOut:
    """Copy and unpack everything into the new folder `upload`; returns what was left out.

    Args:
        sources: the files and folders to collect.
        upload: the folder to make.
        caps: the limits for all files together.
        steps: told of each archive; it knows those to skip.

    Raises RefusedArchive, with a reason for the student, if there is only an archive that is made
    to do harm.
    """
    steps.may("copy")
    writer = SafeWriter(upload, caps)
    names = file_names(sources)
    alone = len(sources) == 1
    files = [source for source in sources if kind(source) == "file"]
    for source in sources:
        if kind(source) == "other":
            writer.left_out.unopened(source.name, UnreadableArchive(_IRREGULAR))
    writer.write(_file(source, names[source]) for source in files if not is_archive(source.name))
    for source in sources:
        inside = upload if alone else free(upload / module_name(stem(owner(source.name).file)))
        if kind(source) == "folder":
            writer.write(_members(source, writer.left_out), inside)
        elif source in files and is_archive(source.name):
            if steps.may("unpack", source.name):
                unpack(source, writer, inside)
            else:
                writer.left_out.unopened(source.name, UnreadableArchive(_TOO_MUCH))
            steps.may("copy")
    _unpack_nested(writer, steps)
    if writer.left_out.refused and not any(files_in(upload)):
        raise RefusedArchive(writer.left_out.refused)
    if not any(files_in(upload)):   # a person looks at whatever it was
        writer.left_out.unread[:] = dict.fromkeys(writer.left_out.names())
    return writer.left_out


def unpack(archive: Path, writer: SafeWriter, inside: Path | None = None) -> bool:
    """Unpack an archive into a folder; False if it cannot be read, which `left_out` says.

    Raises OSError only if the grader's own disk fails.
    """
    try:
        with opened(archive, writer.target.parent, writer.caps) as members:
            writer.write(members, inside)
    except UnreadableArchive as error:
        writer.left_out.unopened(archive.name, error)
        return False
    return True


def _unpack_nested(writer: SafeWriter, steps: Steps) -> None:
    """Unpack archives in the submission that hold work, as systems make them that zip uploads.

    Beside code, an archive is a data set or an old copy, unless it brings files of other names.
    """
    looked_at: set[str] = set()
    while True:
        files = sorted(files_in(writer.target))
        archives = [file for file in files if is_archive(file) and file not in looked_at]
        if not archives:
            return
        looked_at.add(archives[0])
        path = writer.target / archives[0]
        if len(looked_at) > _MOST_ARCHIVES:
            problem = f"more than {_MOST_ARCHIVES} archives in one another are not opened"
            writer.left_out.unopened(path.name, UnreadableArchive(problem))
        elif not steps.may("unpack", archives[0]):
            writer.left_out.unopened(path.name, UnreadableArchive(_TOO_MUCH))
        elif _brings_work(path, files, writer):
            unpack(path, writer, free(path.with_name(module_name(stem(path.name)))))
            path.unlink()


def _brings_work(archive: Path, files: Sequence[str], writer: SafeWriter) -> bool:
    try:
        with opened(archive, writer.target.parent, writer.caps) as members:
            names = [PurePath(one.name) for one in members]
    except UnreadableArchive as error:
        writer.left_out.unopened(archive.name, error)
        return False
    work = {
        path.name for path in names
        if (is_code(path.name) or is_document(path.name)) and not any(map(is_clutter, path.parts))
    }  # fmt: skip
    return bool(work - {PurePath(file).name for file in files}) or not any(map(is_code, files))


def _file(path: Path, name: str) -> Member:
    return Member(name, path.lstat().st_size, partial(chunks_of, path))


def _members(top: Path, left_out: LeftOut) -> Iterator[Member]:
    """Yield what lies in a folder; links are not followed, and pipes and devices are not opened."""
    waiting = [(top, "")]
    while waiting:
        folder, inside = waiting.pop()
        for path in sorted(folder.iterdir()):
            name, what = inside + path.name, kind(path)
            if is_clutter(path.name) or name == "expected.yaml":
                continue   # a sample's expected marks are no part of it
            if what == "file":
                yield _file(path, name)
            elif what == "other":
                left_out.add(name, _IRREGULAR)
            elif name.count("/") < _DEEPEST and len(os.fsencode(path)) < 3_000:
                yield Member(name)
                waiting.append((path, f"{name}/"))
            else:
                left_out.add(name, "its folders are too deep")


def files_in(folder: Path) -> Iterator[str]:
    """Yield the files below a folder, relative to it, with forward slashes."""
    return (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def chunks_of(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes in chunks of 1 MiB."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
