"""What Gradescope's "Export submissions" leaves: a folder per submission, and who is behind each.

    submission_metadata.yml         :submitters:, :created_at:, :history: of each submission
    submission_12345/hw2.py

The keys are written as Ruby writes its symbols. Gradescope exports the files of the submission that
counts; of earlier ones the history has times and numbers. Where an earlier download has put the
files of such a one beside it, that is an attempt, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from grader.submissions.layout import Upload, Someone
from grader.errors import UsageError
from grader.submissions.safe_writer import kind

METADATA = "submission_metadata.yml"
_LARGEST_METADATA = 50_000_000
Record = dict[str, Any]


def uploads(entries: Iterable[Path], metadata: Path) -> list[Upload]:
    """One for each folder among `entries`. Raises UsageError for metadata that can't be read."""
    records = _read(metadata)
    earlier = {
        f"submission_{past.get(':id')}": past | {":submitters": record.get(":submitters")}
        for record in records.values() for past in _list(record, ":history")
    }
    told = earlier | records
    return [
        _upload(path, told.get(path.name, {})) for path in entries if kind(path) != "file"
    ]


def of_one(metadata: Record) -> tuple[tuple[Someone, ...], datetime | None]:
    """Who handed in what an autograder is given, and when, by its `submission_metadata.json`:
    the same, as JSON has it."""
    users = [{f":{key}": value for key, value in user.items()} for user in _list(metadata, "users")]
    return tuple(_people({":submitters": users})), _moment(metadata.get("created_at"))


def without_files(folder: Path) -> int:
    """How many submissions the metadata name whose files are not there."""
    records = _read(folder / METADATA)
    past = [one for record in records.values() for one in _list(record, ":history")]
    names = {f"submission_{one.get(':id')}" for one in past} | set(records)
    return sum(not (folder / name).exists() for name in names)


def _upload(path: Path, record: Record) -> Upload:
    people = tuple(_people(record)) or (Someone(f"folder {path.name}", path.name),)
    return Upload(people, (path,), 1, _moment(record.get(":created_at")), origin=path.name)


def _people(record: Record) -> Iterator[Someone]:
    """Who handed it in together; an address or a number stands in where one has no name."""
    for person in _list(record, ":submitters"):
        name, email, sid = (str(person.get(key) or "") for key in (":name", ":email", ":sid"))
        label = name or email.partition("@")[0] or sid
        if label:
            yield Someone(f"gradescope {email.casefold() or sid or name}", label, email, sid)


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
            f"{path}: found {type(content).__name__}, expected 'submission_123:' and what belongs "
            "to it; export the submissions again"
        )
    return {str(name): one for name, one in content.items() if isinstance(one, dict)}
