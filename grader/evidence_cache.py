"""What workers have answered, kept by all that an answer depends on: asked once, judged often."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import asdict, dataclass
from io import BytesIO

from pydantic import TypeAdapter, ValidationError

from grader import wire
from grader.cache_file import CacheFile
from grader.records import Evidence, Outcome, Question
from grader.testimony import checked

_OUTCOME = TypeAdapter(Outcome)
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
        except (ValueError, KeyError, TypeError, zlib.error, ValidationError):
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


def _packed(evidence: Evidence) -> tuple[str, bytes]:
    said = {"outcome": asdict(evidence.outcome), "value": evidence.value}
    body = zlib.compress(wire.encode(said, evidence.blobs), _SPEED)
    return hashlib.sha256(body).hexdigest(), body


def _unpacked(question: Question, digest: str, body: bytes) -> Evidence:
    """Raises ValueError, or one of the errors that `find` expects, for what is damaged."""
    if hashlib.sha256(body).hexdigest() != digest:
        raise ValueError("the entry is damaged")
    frame = wire.read_frame(BytesIO(zlib.decompress(body)).read, _MOST, wire.MAX_ANSWER_BLOBS)
    if frame is None:
        raise ValueError("the entry is empty")
    said, blobs = frame
    found = Evidence(question, _OUTCOME.validate_python(said["outcome"]), said["value"], blobs)
    again = checked(found)
    if again.outcome != found.outcome:
        raise ValueError("the entry is not what a worker may say")
    return again
