"""Stores workers' answers under digests of everything that they depend on."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from grader import wire
from grader.grading.gradebook import plain_value
from grader.records import Evidence, Outcome, Question, Trace
from grader.run.cache.file import CacheFile, look
from grader.sandbox.answer_schema import checked

_OUTCOME = TypeAdapter(Outcome)
_DAMAGED = (ValueError, KeyError, TypeError, zlib.error, ValidationError)
_MOST = 512 * 2**20   # bytes of an entry's header; the wire's own limits held when it came
_SPEED = 1            # zlib's fastest: logits hardly shrink, a figure's pixels shrink at once


@dataclass(frozen=True)
class EvidenceCache:
    """The answers in an open cache file."""

    file: CacheFile

    def find(self, key: str, question: Question, since: int) -> Evidence | None:
        """Return the answer under `key`, validated again; None if there is none.

        Args:
            key: The answer's key.
            question: The question that it answers.
            since: The first run whose answers count.
        """
        query = "select digest, body from evidence where key = ? and run >= ?"
        row = self.file.row(query, key, since)
        try:
            return None if row is None else _unpacked(question, *row)
        except _DAMAGED:
            self.file.write("delete from evidence where key = ?", key)
            return None

    def add(self, key: str, evidence: Evidence, student: str, run: int) -> None:
        """Store an answer or a student's failure; a failure of the harness is not stored.

        Args:
            key: The answer's key.
            evidence: The question with its outcome and answer.
            student: Whose code answered.
            run: The number of the run.
        """
        if evidence.outcome.owner == "harness":
            return
        try:
            packed = _packed(evidence)
        except (ValueError, TypeError):
            return   # it cannot be encoded, so it will be asked again
        self.file.write(
            "insert or replace into evidence values (?, ?, ?, ?, ?, ?)",
            key, run, student, evidence.question.id, *packed,
        )  # fmt: skip


def reported(folder: Path, trace: Trace) -> Any:
    """Return the answer of a trace from a results folder's cache; None if it was removed.

    The key of a training that was ended early is followed by its rule.
    """
    query = "select digest, body from evidence where substr(key, 1, ?) = ?"
    rows = look(folder, query, len(trace.key), trace.key) if trace.key else []
    return _with_digest(trace.reported, rows)


def said_by_reference(folder: Path, trace: Trace) -> Any:
    """Return the reference's answer to the same question; None if it was removed."""
    query = "select digest, body from evidence where student = 'reference' and question = ?"
    return _with_digest(trace.reference, look(folder, query, trace.question["id"]))


def digest_of(value: Any, blobs: Collection[bytes]) -> str:
    """Return a digest of an answer: its value and its arrays."""
    text = json.dumps(value, sort_keys=True, default=plain_value)
    digest = hashlib.sha256(text.encode())
    for blob in blobs:
        digest.update(hashlib.sha256(blob).digest())
    return digest.hexdigest()[:32]


def _with_digest(wanted: str, rows: Iterable[tuple[Any, ...]]) -> Any:
    for digest, body in rows:
        try:
            entry, blobs = _opened(digest, body)
        except _DAMAGED:
            continue
        if digest_of(entry.get("value"), blobs) == wanted:
            return entry["value"]
    return None


def _packed(evidence: Evidence) -> tuple[str, bytes]:
    entry = {"outcome": asdict(evidence.outcome), "value": evidence.value,
            "worker": dict(evidence.worker)}
    body = zlib.compress(wire.encode(entry, evidence.blobs), _SPEED)
    return hashlib.sha256(body).hexdigest(), body


def _unpacked(question: Question, digest: str, body: bytes) -> Evidence:
    """Decode an entry. Raises one of `_DAMAGED`."""
    entry, blobs = _opened(digest, body)
    outcome = _OUTCOME.validate_python(entry["outcome"])
    found = Evidence(question, outcome, entry["value"], blobs, entry.get("worker", {}))
    again = checked(found)
    if again.outcome != found.outcome:
        raise ValueError("the entry is not a valid answer")
    return again


def _opened(digest: str, body: bytes) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    if hashlib.sha256(body).hexdigest() != digest:
        raise ValueError("the entry is damaged")
    frame = wire.read_frame(BytesIO(zlib.decompress(body)).read, _MOST, wire.MAX_ANSWER_BLOBS)
    if frame is None:
        raise ValueError("the entry is empty")
    return frame
