"""Tries a finished bundle as a student does: installs it, then checks starter and reference in it.

Everything happens in a copy outside the instructor's folders, so that a bundle that needs a file of
theirs, or a package that only they have installed, is found before students get it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from grader.checks.check import NOT_RUN_HERE
from grader.errors import UsageError
from grader.export.student_bundle.local_packages import fill_from_here
from grader.rubric.model import Rubric

Criteria = list[dict[str, Any]]
# Variables that would lend the trial the instructor's own packages.
_OWN = frozenset({"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"})


def try_bundle(bundle: Path, rubric: Rubric, say: Callable[[str], None]) -> None:
    """Check starter and reference with the bundle's own command, in its own environment.

    Args:
        bundle: a copy of the bundle, which gets a `.venv` unless it has one.
        rubric: the instructor's rubric.
        say: is called with a line before each step.

    Raises UsageError if the bundle cannot be installed, a criterion cannot be checked in it, or the
    reference does not earn all points there.
    """
    say("Trying the bundle as a student would, in a fresh environment (--no-trial leaves this out)")
    if not (bundle / ".venv").exists():
        _fill(bundle, say)
    if rubric.starter is not None:
        for one in _checked(bundle, rubric.starter, "starter"):
            if one["status"] == "not_scored" or NOT_RUN_HERE in one["reason"]:
                raise UsageError(_wrong("starter", one))
    for one in _checked(bundle, rubric.reference, "reference"):
        is_good = one["status"] in ("passed", "needs_marking") or not one["attempted"]
        if not is_good or NOT_RUN_HERE in one["reason"]:
            raise UsageError(_wrong("reference", one))


def _fill(bundle: Path, say: Callable[[str], None]) -> None:
    """Use packages of this machine if it has all of them; otherwise `check.py` installs them."""
    try:
        if fill_from_here(bundle):
            return
    except (OSError, subprocess.CalledProcessError):   # no links on this system
        pass
    shutil.rmtree(bundle / ".venv", ignore_errors=True)
    say("Not all of its packages are installed here, so pip installs them; this takes some minutes")


def _checked(bundle: Path, work: Path, what: str) -> Criteria:
    """Run `check.py` on a copy of somebody's work and return the criteria as JSON says them."""
    copy = bundle.parent / what / work.name   # a package may import itself by its folder's name
    copy.parent.mkdir(exist_ok=True)
    if work.is_dir():
        shutil.copytree(work, copy, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(work, copy)
    found = _answered(bundle, copy, what)
    if any(one["status"] == "not_scored" for one in found):   # a first import of torch can be slow
        found = _answered(bundle, copy, what)
    return found


def _answered(bundle: Path, work: Path, what: str) -> Criteria:
    # Without the terminal's stdout: the answer is JSON. pip's progress goes to stderr.
    done = subprocess.run(
        [sys.executable, "check.py", str(work), "--json"], cwd=bundle, env=_a_students(os.environ),
        stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    try:
        found: Criteria = json.loads(done.stdout)["criteria"]
    except (ValueError, KeyError):
        raise UsageError(
            f"nothing was written, because the bundle does not work: `python check.py` on the "
            f"{what} in a fresh environment ended with exit code {done.returncode}; its message is "
            "above. If a package is missing, add it to 'packages' in the rubric"
        ) from None
    return found


def _a_students(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in _OWN}


def _wrong(what: str, one: Mapping[str, Any]) -> str:
    return (
        f"nothing was written, because in the bundle the {what} has the wrong result for the "
        f"criterion '{one['id']}' ({one['status']}): {one['reason']} If a package or file is "
        "missing there, add it to 'packages' of the rubric or to 'data' of the criterion"
    )
