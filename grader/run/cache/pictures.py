"""Keeps drawn pictures in the cache file.

Drawing is nearly all of the time that a page takes: a page with the pictures of a training takes
0.3 s with matplotlib, and 10 ms when they are read from here.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass

from grader.run.cache.file import CacheFile


@dataclass(frozen=True)
class PictureCache:
    """SVG panels by a digest of the data that they show.

    `version` is a digest of the code that draws them: other code finds none of these.
    """

    file: CacheFile
    version: str

    def of(self, key: str) -> tuple[str, ...] | None:
        """The panels; None if they were not drawn yet or are damaged."""
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
