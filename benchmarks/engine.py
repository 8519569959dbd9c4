"""Whether a Docker Engine answers, and the worker's image: what figures with containers need."""

from __future__ import annotations

from contextlib import closing

from grader.errors import EngineMissing
from grader.sandbox.docker import Build, connect, ensure_image


def engine_missing() -> str:
    """Why nothing can be measured in containers; "" where an engine answers."""
    try:
        connect().close()
    except EngineMissing:
        return "no Docker Engine answers here"
    return ""


def ensure_worker_image() -> None:
    """Build the image if it is missing, so that no run that is timed does so."""
    with closing(connect()) as engine:
        ensure_image(engine, Build(), print)
