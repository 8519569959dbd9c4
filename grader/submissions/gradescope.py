"""Gradescope's "Export Submissions": a folder per submission, and a file of metadata.

    submission_metadata.yml         :submitters:, :created_at:, :history: of each submission
    submission_12345/hw2.py

The keys are written as Ruby writes its symbols. Gradescope exports the files of the submission that
counts; the history has only times and numbers of earlier ones. An earlier submission whose folder
comes from an earlier download is an attempt, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from grader.errors import UsageError
from grader.submissions.layout import Submitter, Upload
from grader.text import folded

METADATA = "submission_metadata.yml"
_LARGEST_METADATA = 50_000_000
Record = dict[str, Any]


def uploads(entries: Iterable[Path], metadata: Path) -> list[Upload]:
    """Return an attempt for each folder among `entries`, and for each submission without one.

    Its folder is then a path that does not exist. Raises UsageError for bad metadata.
    """
    records = _read(metadata)
    earlier = {
        f"submission_{past.get(':id')}": past | {":submitters": record.get(":submitters")}
        for record in records.values() for past in _list(record, ":history")
    }
    known = earlier | records
    there = list(entries)
    names = {path.name for path in there}
    lost = [metadata.parent / name for name in records if name not in names]
    return [_upload(path, known.get(path.name, {})) for path in (*there, *lost)]


def of_one(metadata: Record) -> tuple[tuple[Submitter, ...], datetime | None]:
    """Return the submitters and the time from an autograder's `submission_metadata.json`."""
    users = [{f":{key}": value for key, value in user.items()} for user in _list(metadata, "users")]
    return tuple(_people({":submitters": users})), _moment(metadata.get("created_at"))


def without_files(folder: Path) -> int:
    """Return how many earlier submissions in the metadata have no folder."""
    records = _read(folder / METADATA)
    past = [one for record in records.values() for one in _list(record, ":history")]
    names = {f"submission_{one.get(':id')}" for one in past} - set(records)
    return sum(not (folder / name).exists() for name in names)


def _upload(path: Path, record: Record) -> Upload:
    people = tuple(_people(record)) or (Submitter(f"folder {path.name}", path.name),)
    return Upload(people, (path,), 1, _moment(record.get(":created_at")), origin=path.name)


def _people(record: Record) -> Iterator[Submitter]:
    """Yield the submitters; one without a name goes by address or number."""
    for person in _list(record, ":submitters"):
        name, email, sid = (str(person.get(key) or "") for key in (":name", ":email", ":sid"))
        label = name or email.partition("@")[0] or sid
        if label:
            yield Submitter(f"gradescope {folded(email) or sid or folded(name)}", label, email, sid)


def _list(record: Record, key: str) -> list[Record]:
    found = record.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _moment(value: object) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _read(path: Path) -> dict[str, Record]:
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
            f"{path}: found {type(content).__name__}, expected entries such as 'submission_123:'; "
            "export the submissions again"
        )
    return {str(name): one for name, one in content.items() if isinstance(one, dict)}
