"""The public part of a rubric, built key by key so that nothing is published by accident.

It has the visible criteria, the files that their checks need, and one profile with another split of
the data. It has no paths of the reference solution or hidden images, and no calibration.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.errors import UsageError
from grader.export.student_bundle.public_source import check_names, public_checks, public_tests
from grader.rubric.model import Criterion, DataSpec, Rubric

HANDOUTS, ANSWERS, IMAGES, ARRAYS = "handouts", "answers.json", "images.zip", "data.npz"
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


def at_home(rubric: Rubric) -> tuple[Criterion, ...]:
    """Return the visible criteria that students can check: those that need no secret file.

    Raises UsageError if a file of a visible criterion is neither public nor secret. The message has
    the rubric's own words for them.
    """
    seen = visible(rubric)
    lines = []
    for one in seen:
        words = {*_words(one, one.public), *_words(one, one.secret)}
        if open_ := [name for name in (*_own_files(one), *_data_at_home(one)) if name not in words]:
            lines.append(f"criterion '{one.id}': {', '.join(open_)}")
    if lines:
        raise UsageError(
            "nothing was written, because these files of criteria are neither public nor secret: "
            + "; ".join(lines) + ". Add 'public: [...]' to the criterion for those that students "
            "may have, and 'secret: [...]' for those with hidden inputs or labels. A criterion "
            "with a secret file cannot be checked at home and is left out"
        )
    found = tuple(
        one for one in seen if not _words(one, one.secret) & {*one.files, *_data_at_home(one)}
    )
    if not found:
        raise UsageError("every visible criterion has a secret file, so students could check "
                         "nothing")
    return found


def secret_files(rubric: Rubric) -> list[Path]:
    """Return the files that the rubric calls secret, of hidden criteria, too."""
    return [file for one in rubric.criteria for words in [_words(one, one.secret)]
            for name, file in [*one.files.items(), *((file.name, file) for file in one.data)]
            if name in words]


def _own_files(one: Criterion) -> Mapping[str, Path]:
    """Return the files that a check names, by key; tests have a public part of their own."""
    return {} if one.check == _TESTS else one.files


def _data_at_home(one: Criterion) -> Mapping[str, Path]:
    """Return the data that checking at home reads, by name; those of hidden tests stay."""
    if one.check != _TESTS:
        return {place.name: place for place in one.data}
    tests = one.files["file"]
    text, home = public_tests(tests), tests.parent
    return {place.name: place for place in one.data
            if place.name in text and place.is_relative_to(home)}


def _words(one: Criterion, names: Iterable[str]) -> set[str]:
    """Return the keys and names of files; `data` stands for all of them."""
    found = {Path(name).name for name in names}
    return found | {place.name for place in one.data} if "data" in found else found


def public_rubric(rubric: Rubric, seed: int, hidden: int) -> PublicRubric:
    """Return the public part of a rubric.

    Args:
        rubric: the instructor's rubric.
        seed: splits the public data.
        hidden: how many of the public images the split holds out as hidden images.

    Raises UsageError for a file whose public part cannot be separated from its hidden part, and as
    `at_home` does.
    """
    criteria = at_home(rubric)
    texts: dict[str, str] = {}
    files: dict[str, Path] = {}
    ids = {one.id for one in criteria}
    rows = [_criterion(one, ids, texts, files) for one in criteria]
    own = _own_checks(rubric, {one.check for one in criteria}, texts)
    document: dict[str, Any] = {
        "title": rubric.title,
        "recorded": ANSWERS,
        **({"handouts": f"../{HANDOUTS}"} if rubric.handouts is not None else {}),
        **({"checks": own} if own else {}),
        **({"packages": list(rubric.packages)} if rubric.packages else {}),
        "total": sum(one.points for one in criteria),
        "cap": rubric.cap,
        **({"rounding": rubric.rounding} if rubric.rounding is not None else {}),
        **_profile(rubric, seed, hidden),
        "limits": rubric.limits.model_dump(mode="json"),
        "criteria": rows,
    }
    return PublicRubric(document, texts, files)


def _criterion(
    one: Criterion, ids: Container[str], texts: dict[str, str], files: dict[str, Path]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": one.id, "title": one.title, "part": one.part, "points": one.points, "check": one.check
    }
    if before := [other for other in one.depends_on if other in ids]:
        row["depends_on"] = before
    own = one.model_dump(mode="json", include={"seconds", "forbidden", "only_modules"})
    row |= {key: value for key, value in own.items() if value}
    row |= one.params.model_dump(mode="json")
    for key, value in one.files.items():
        row[key] = _beside(value.name, texts, files)
        if one.check == _TESTS:
            texts[row[key]] = public_tests(value)
        else:
            files[row[key]] = value
    if named := [_placed(one, place, files) for place in _data_at_home(one).values()]:
        row["data"] = named
    return row


def _placed(one: Criterion, place: Path, files: dict[str, Path]) -> str:
    """Add data at the same place beside the tests, or beside the check."""
    home = one.files["file"].parent if one.check == _TESTS else place.parent
    name = place.relative_to(home).as_posix()
    files[name] = place
    return name


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
    while free in texts or free in files or free in (ANSWERS, IMAGES, ARRAYS, "rubric.yaml"):
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
    data: dict[str, Any] = {"source": spec.source}
    if spec.source == "shapes":
        seed = spec.seed   # public: the run draws its hidden images from a seed of its own
    elif spec.source in ("arrays", "loader"):
        data = {"source": "arrays", "path": ARRAYS}
    elif spec.source != "digits":
        data = {"source": "imagefolder", "path": IMAGES}
    data |= {"validation": spec.validation, "hidden": {"held_out": hidden}, "seed": seed}
    return data | ({"limit_train": spec.limit_train} if spec.limit_train is not None else {})
