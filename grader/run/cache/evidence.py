"""What workers have answered, kept by all that an answer depends on: asked once, judged often."""

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
_MOST = 512 * 2**20   # bytes of one entry's header: it has passed the caps of the wire by now
_SPEED = 1            # of zlib: logits hardly shrink, pixels of a figure do at once


@dataclass(frozen=True)
class EvidenceCache:
    """The answers in an open cache."""

    file: CacheFile

    def find(self, key: str, question: Question, since: int) -> Evidence | None:
        """The answer under that key, of runs from `since` on, checked as when it came; one that is
        damaged is dropped."""
        query = "select digest, body from evidence where key = ? and run >= ?"
        row = self.file.row(query, key, since)
        try:
            return None if row is None else _unpacked(question, *row)
        except _DAMAGED:
            self.file.write("delete from evidence where key = ?", key)
            return None

    def add(self, key: str, evidence: Evidence, student: str, run: int) -> None:
        """Keep an answer, or how it failed; what the harness is to blame for is asked again."""
        if evidence.outcome.owner == "harness":
            return
        try:
            packed = _packed(evidence)
        except (ValueError, TypeError):
            return   # what no frame can say is asked again
        self.file.write(
            "insert or replace into evidence values (?, ?, ?, ?, ?, ?)",
            key, run, student, evidence.question.id, *packed,
        )  # fmt: skip


def reported(folder: Path, trace: Trace) -> Any:
    """What the worker said, as the cache of a results folder still has it; None once it is gone. A
    training that was ended early has its rule behind its key."""
    query = "select digest, body from evidence where substr(key, 1, ?) = ?"
    rows = look(folder, query, len(trace.key), trace.key) if trace.key else []
    return _with_digest(trace.reported, rows)


def said_by_reference(folder: Path, trace: Trace) -> Any:
    """What the reference said to the same question, likewise."""
    query = "select digest, body from evidence where student = 'reference' and question = ?"
    return _with_digest(trace.reference, look(folder, query, trace.question["id"]))


def digest_of(value: Any, blobs: Collection[bytes]) -> str:
    """Of what a worker said in reply to a question."""
    text = json.dumps(value, sort_keys=True, default=plain_value)
    digest = hashlib.sha256(text.encode())
    for blob in blobs:
        digest.update(hashlib.sha256(blob).digest())
    return digest.hexdigest()[:32]


def _with_digest(wanted: str, rows: Iterable[tuple[Any, ...]]) -> Any:
    for digest, body in rows:
        try:
            said, blobs = _opened(digest, body)
        except _DAMAGED:
            continue
        if digest_of(said.get("value"), blobs) == wanted:
            return said["value"]
    return None


def _packed(evidence: Evidence) -> tuple[str, bytes]:
    said = {"outcome": asdict(evidence.outcome), "value": evidence.value,
            "worker": dict(evidence.worker)}
    body = zlib.compress(wire.encode(said, evidence.blobs), _SPEED)
    return hashlib.sha256(body).hexdigest(), body


def _unpacked(question: Question, digest: str, body: bytes) -> Evidence:
    """Raises one of `_DAMAGED` for what is damaged."""
    said, blobs = _opened(digest, body)
    outcome = _OUTCOME.validate_python(said["outcome"])
    found = Evidence(question, outcome, said["value"], blobs, said.get("worker", {}))
    again = checked(found)
    if again.outcome != found.outcome:
        raise ValueError("the entry is not what a worker may say")
    return again


def _opened(digest: str, body: bytes) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    if hashlib.sha256(body).hexdigest() != digest:
        raise ValueError("the entry is damaged")
    frame = wire.read_frame(BytesIO(zlib.decompress(body)).read, _MOST, wire.MAX_ANSWER_BLOBS)
    if frame is None:
        raise ValueError("the entry is empty")
    return frame
