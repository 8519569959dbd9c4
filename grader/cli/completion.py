"""Completes names that only a homework knows: criteria, profiles and students.

Click prints the script that switches completion on: `_GRADER_COMPLETE=bash_source grader`. The
functions here answer a pressed key, so they read small files only, and complete nothing where a
file cannot be read.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import click


def criteria(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    found = _document(context).get("criteria", [])
    ids = [str(one["id"]) for one in found if isinstance(one, dict) and "id" in one]
    return [name for name in ids if name.startswith(typed)]


def profiles(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    return [str(name) for name in _document(context).get("profiles", {}) if name.startswith(typed)]


def submitters(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    """The students of the folder of submissions that stands before."""
    from grader.errors import GraderError
    from grader.submissions.discover import discover

    # While the value of an option is missing, click has not told the arguments apart yet.
    named = context.params.get("submissions") or next(iter(context.args), None)
    with suppress(GraderError, OSError):
        names = (one.student for one in discover(Path(named or "submissions")))
        return [name for name in names if name.startswith(typed)]
    return []


def graded(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    """The students of the results folder."""
    from grader.grading.gradebook_file import students_of

    names = students_of(Path(context.params.get("out") or "results"))
    return [name for name in names if name.startswith(typed)]


def _document(context: click.Context) -> Any:
    from grader.errors import GraderError
    from grader.rubric.load import read_document

    with suppress(GraderError):
        return read_document(Path(context.params.get("rubric_path") or "rubric.yaml"))
    return {}

