"""What a verdict depends on, as a digest: while it stays the same, a verdict holds.

The criterion's check and its parameters, the profile and the limits, the reference solution, the
sandbox, and the grader's own code. A title, the points and the late policy are not among them:
they are applied anew each time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from grader.rubric import Criterion, Rubric
from grader.sandbox.base import Sandbox

_PACKAGE = Path(__file__).parent


def fingerprints(
    rubric: Rubric, criteria: Iterable[Criterion], sandbox: Sandbox
) -> dict[str, str]:
    """A digest for each criterion, by its id."""
    shared = [
        rubric.active.model_dump(mode="json"),
        rubric.limits.model_dump(mode="json"),
        _of_folder(rubric.reference),
        _of_folder(_PACKAGE),
        [sandbox.name, sandbox.version],
    ]
    return {
        item.id: _of(item.check, item.params.model_dump(mode="json"), *shared) for item in criteria
    }


def _of(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


@cache
def _of_folder(folder: Path) -> str:
    """Of every file that is code, data or a template in it."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            content = path.read_bytes()
            digest.update(f"\0{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()
