"""Compares this Python with the image in which a class is graded."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement

from grader.rubric.model import Rubric

IMAGE_PYTHON = (3, 13)   # of the Dockerfile's base image


def differences(rubric: Rubric) -> Iterator[str]:
    """Yield a sentence for each difference that may change what a submission does.

    These are the version of Python, and packages that the rubric names and that are not installed.
    """
    here = sys.version_info[:2]
    if here != IMAGE_PYTHON:
        ours, theirs = (".".join(map(str, version)) for version in (here, IMAGE_PYTHON))
        yield f"This is Python {ours}; containers have Python {theirs}, so syntax may differ."
    missing = [name for name in rubric.packages if not _is_installed(Requirement(name))]
    if missing:
        yield (
            "The homework uses packages that are not installed here. Install them: pip install "
            + " ".join(f"'{name}'" for name in missing)
        )


def _is_installed(wanted: Requirement) -> bool:
    try:
        return wanted.specifier.contains(metadata.version(wanted.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False
