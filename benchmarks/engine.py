"""Prepares measurements in containers: looks for a Docker Engine, and builds the worker's image."""

from __future__ import annotations

from contextlib import closing

from grader.errors import EngineMissing
from grader.sandbox.docker import Build, connect, ensure_image


def engine_missing() -> str:
    """Say why nothing can be measured in containers; "" if an engine answers."""
    try:
        connect().close()
    except EngineMissing:
        return "no Docker Engine answers here"
    return ""


def ensure_worker_image() -> None:
    """Build the image if it is missing, so that no timed run has to."""
    with closing(connect()) as engine:
        ensure_image(engine, Build(), print)
