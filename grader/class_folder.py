"""The folder with everybody's submissions: whose is what, and when it was handed in.

Three layouts are known: a Gradescope export (folders and `submission_metadata.yml`, which only
this module reads), a Canvas export and the course's own `PENNKEY_hw2_problem1.py` (both by file
name, several files of a student together), and plain files or folders named after the student.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from grader.archives import is_archive
from grader.errors import UsageError
from grader.landing import is_clutter, kind
from grader.student_names import owner, student_key

METADATA = "submission_metadata.yml"
_LARGEST_METADATA = 50_000_000
_CODE = (".py", ".ipynb")
_README = re.compile(r"readme(?![a-z])")   # and not a student called Readmehta
_COMPANIONS = (".md", ".tex", ".pdf")  # belong to the code of the same name


@dataclass(frozen=True)
class HandIn:
    """What one student handed in, not yet opened. `student` is unique and safe as a file name."""

    student: str
    sources: tuple[Path, ...]
    submitted_at: datetime | None = None


def discover(folder: Path) -> list[HandIn]:
    """Every submission in a class folder, sorted by the names on disk.

    The students' keys depend on what is in the folder only. A link, a pipe or a device in it is
    somebody's submission, too: it is refused when it is opened. Raises UsageError if there is no
    such folder, or if it or Gradescope's metadata can't be read.
    """
    try:
        found = sorted(folder.iterdir(), key=lambda path: path.name)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(
            f"{folder}: no such folder; expected one with a submission per student"
        ) from error
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}; its owner has to let you read it") from error
    entries = [path for path in found if not _is_ours(path)]
    if (folder / METADATA).is_file():
        return _gradescope(entries, _metadata(folder / METADATA))
    return _by_name(entries)


def hand_in(source: Path) -> HandIn:
    """One file, archive or folder as a submission of its own; raises UsageError."""
    try:
        is_there = source.exists()
    except OSError:  # a name that no file can have
        is_there = False
    if not is_there:
        raise UsageError(f"{source}: no such file; expected a .py, .ipynb, archive or folder")
    path = source.resolve()  # "." has a name, too
    return HandIn(student_key(_stem(path, owner(path.name).student)), (path,))


def _is_ours(path: Path) -> bool:
    """What lies beside the submissions and is none."""
    name = path.name.lower()
    return (
        name.startswith(".")
        or _README.match(name) is not None
        or name in (METADATA, "expected.yaml", "expected.yml")
        or is_clutter(path.name)
    )


def _by_name(entries: list[Path]) -> list[HandIn]:
    groups: dict[str, list[Path]] = {}
    names: dict[str, str] = {}
    companions: list[Path] = []
    for path in entries:
        who, what, suffix = owner(path.name), kind(path), path.suffix.lower()
        is_a_submission = (
            what == "folder"
            or is_archive(path)
            or suffix in _CODE
            or (what, suffix) == ("other", "")  # a link in a folder's place
        )
        if who.group is None and suffix in _COMPANIONS and what != "folder":
            companions.append(path)
        elif who.group is not None or is_a_submission:
            group = who.group or f"name {path.name}"
            groups.setdefault(group, []).append(path)
            names.setdefault(group, _stem(path, who.student))
    for path in companions:
        for group, name in names.items():
            if group.startswith("name ") and name == path.stem and kind(groups[group][0]) == "file":
                groups[group].append(path)
                break
    taken: set[str] = set()
    found = []
    for group, paths in groups.items():
        key = student_key(names[group], taken)
        taken.add(key.casefold())
        found.append(HandIn(key, tuple(paths)))
    return found


def _gradescope(entries: list[Path], metadata: dict[str, Any]) -> list[HandIn]:
    taken: set[str] = set()
    found = []
    for path in entries:
        if kind(path) == "file":
            continue
        record = metadata.get(path.name)
        record = record if isinstance(record, dict) else {}
        key = student_key(_submitters(record) or path.name, taken)
        taken.add(key.casefold())
        found.append(HandIn(key, (path,), _moment(record.get(":created_at"))))
    return found


def _submitters(record: dict[str, Any]) -> str:
    """The names of those who handed it in together; an address or a number where one has none."""
    people = record.get(":submitters")
    names = []
    for person in people if isinstance(people, list) else []:
        if isinstance(person, dict):
            address = str(person.get(":email") or "").partition("@")[0]
            names.append(str(person.get(":name") or address or person.get(":sid") or ""))
    return "_".join(filter(None, names))


def _moment(value: object) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _metadata(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _LARGEST_METADATA:
        raise UsageError(f"{path}: larger than {_LARGEST_METADATA:,} bytes; export it again")
    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (YAMLError, ValueError, RecursionError) as error:
        where = getattr(getattr(error, "problem_mark", None), "line", None)
        line = "" if where is None else f":{where + 1}"
        raise UsageError(
            f"{path}{line}: not the YAML that Gradescope exports; export the submissions again"
        ) from error
    if not isinstance(content, dict):
        raise UsageError(
            f"{path}: found {type(content).__name__}, expected 'submission_123:' and what belongs "
            "to it; export the submissions again"
        )
    return content


def _stem(path: Path, student: str) -> str:
    """`student` without the suffixes of the file's name, if that is where it came from."""
    if student != path.name or kind(path) == "folder":
        return student
    stem = path.stem
    return stem.removesuffix(".tar") if is_archive(path) else stem
