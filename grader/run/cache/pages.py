"""What was drawn and written for students' pages, so that neither is done twice."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass

from grader.run.cache.file import CacheFile


@dataclass(frozen=True)
class Pictures:
    """Drawn panels, as SVG, by a digest of what is drawn. `version` is of what draws them."""

    file: CacheFile
    version: str

    def of(self, key: str) -> tuple[str, ...] | None:
        """None where it was not drawn yet, or is damaged."""
        row = self.file.row("select digest, body from pictures where key = ?", self.version + key)
        if row is None or not isinstance(row[1], bytes):
            return None
        if hashlib.sha256(row[1]).hexdigest() != row[0]:
            return None
        return tuple(json.loads(zlib.decompress(row[1])))

    def put(self, key: str, panels: tuple[str, ...]) -> None:
        body = zlib.compress(json.dumps(panels).encode(), 1)
        digest = hashlib.sha256(body).hexdigest()
        statement = "insert or replace into pictures values (?, ?, ?)"
        self.file.write(statement, self.version + key, digest, body)


@dataclass(frozen=True)
class Stamps:
    """Of each student's page, a digest of all that is in it, as it was written the last time."""

    file: CacheFile

    def of(self, student: str) -> str | None:
        row = self.file.row("select stamp from pages where student = ?", student)
        return None if row is None else str(row[0])

    def put(self, student: str, stamp: str) -> None:
        self.file.write("insert or replace into pages values (?, ?)", student, stamp)
