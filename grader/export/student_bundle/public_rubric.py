"""The public part of a rubric, built key by key so that nothing is published by accident.

It has the visible criteria, the files that their checks need, and one profile with another split of
the data. It has no paths of the reference solution or hidden images, and no calibration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.errors import UsageError
from grader.export.student_bundle.public_source import check_names, public_checks, public_tests
from grader.rubric.model import Criterion, DataSpec, Rubric

HANDOUTS, ANSWERS, IMAGES = "handouts", "answers.json", "images.zip"
_TESTS = "pytest"   # the check whose `file` has tests, hidden ones among them


@dataclass(frozen=True)
class PublicRubric:
    """The rubric's document, and the texts and files to write beside it, by name."""

    document: Mapping[str, Any]
    texts: Mapping[str, str]
    files: Mapping[str, Path]


def visible(rubric: Rubric) -> tuple[Criterion, ...]:
    """Return the criteria that students see before the due date; UsageError if there are none."""
    found = tuple(one for one in rubric.criteria if one.visibility == "visible")
    if not found:
        raise UsageError("the rubric has no visible criterion, so students could check nothing")
    return found


def public_rubric(rubric: Rubric, seed: int, hidden: int) -> PublicRubric:
    """Return the public part of a rubric.

    Args:
        rubric: the instructor's rubric.
        seed: splits the public data.
        hidden: how many of the public images the split holds out as hidden images.

    Raises UsageError for a file whose public part cannot be separated from its hidden part.
    """
    criteria = visible(rubric)
    texts: dict[str, str] = {}
    files: dict[str, Path] = {}
    rows = [_criterion(one, texts, files) for one in criteria]
    own = _own_checks(rubric, {one.check for one in criteria}, texts)
    document: dict[str, Any] = {
        "title": rubric.title,
        "recorded": ANSWERS,
        **({"handouts": f"../{HANDOUTS}"} if rubric.handouts is not None else {}),
        **({"checks": own} if own else {}),
        "total": sum(one.points for one in criteria),
        "cap": rubric.cap,
        **_profile(rubric, seed, hidden),
        "limits": rubric.limits.model_dump(mode="json"),
        "criteria": rows,
    }
    return PublicRubric(document, texts, files)


def _criterion(one: Criterion, texts: dict[str, str], files: dict[str, Path]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": one.id, "title": one.title, "part": one.part, "points": one.points, "check": one.check
    }
    if one.depends_on:
        row["depends_on"] = list(one.depends_on)
    row |= one.params.model_dump(mode="json")
    named: list[str] = []
    for key, value in one.params:
        if isinstance(value, Path):
            row[key] = _beside(value.name, texts, files)
            if one.check == _TESTS:
                texts[row[key]] = public_tests(value)
                named += _named(one.data, value.parent, texts[row[key]], files)
            else:
                files[row[key]] = value
    return row | ({"data": named} if named else {})


def _named(
    data: Iterable[Path], home: Path, text: str, files: dict[str, Path]
) -> list[str]:
    """Add the data that the public tests name, at the same place beside them; hidden tests' stay.
    """
    found = []
    for place in data:
        if place.name in text and place.is_relative_to(home):
            found.append(place.relative_to(home).as_posix())
            files[found[-1]] = place
    return found


def _own_checks(rubric: Rubric, wanted: set[str], texts: dict[str, str]) -> list[str]:
    names = []
    for path in rubric.own_files:
        text = public_checks(path, check_names(path) & wanted)
        if text:
            names.append(_beside(path.name, texts, {}))
            texts[names[-1]] = text
    return names


def _beside(name: str, texts: Mapping[str, str], files: Mapping[str, Path]) -> str:
    """Return a file name that is not taken yet."""
    number = 1
    free = name
    while free in texts or free in files or free in (ANSWERS, IMAGES, "rubric.yaml"):
        number += 1
        free = f"{Path(name).stem}_{number}{Path(name).suffix}"
    return free


def _profile(rubric: Rubric, seed: int, hidden: int) -> dict[str, Any]:
    if not rubric.profiles:
        return {}
    rest = rubric.active.model_dump(
        mode="json", exclude={"data", "calibration"}, exclude_none=True
    )
    data = _data(rubric.active.data, seed, hidden)
    return {"profile": rubric.profile, "profiles": {rubric.profile: {"data": data, **rest}}}


def _data(spec: DataSpec, seed: int, hidden: int) -> dict[str, Any]:
    if spec.source == "none":
        return {"source": "none"}
    data: dict[str, Any] = {"source": "digits"}
    if spec.source != "digits":
        data = {"source": "imagefolder", "path": IMAGES}
    data |= {"validation": spec.validation, "hidden": {"held_out": hidden}, "seed": seed}
    return data | ({"limit_train": spec.limit_train} if spec.limit_train is not None else {})
