"""The shipped rubric, and the errors that an instructor reads about mistakes in one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no type hints
import pytest
from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML

from grader.checks.registry import CHECKS, parameter_models
from grader.errors import RubricError
from grader.rubric.late_policy import Late
from grader.rubric.load import json_schema, load
from grader.rubric.model import (
    Again,
    Criterion,
    DataSpec,
    Hidden,
    Limits,
    Option,
    Profile,
    Rubric,
    StopEarly,
    Threshold,
)
from tests import factories
from tests.factories import shipped_rubric

ROOT = Path(__file__).parent.parent.parent
SCHEMA = ROOT / "docs" / "rubric.schema.json"

SMALL = """\
title: Homework
total: 5
cap: 5
profiles:
  quick:
    epochs: 1
    seconds: 10
    thresholds:
      - {accuracy: 0.9, share: 1.0}
      - {accuracy: 0.8, share: 0.5}
criteria:
  - id: first
    title: The first
    part: 1(a)
    points: 2
    check: written
    answer: a
  - id: second
    title: The second
    part: 1(b)
    points: 3
    check: layer_counts
    visibility: visible
    depends_on: [first]
"""


@pytest.fixture
def rubric_file(tmp_path: Path) -> Path:
    return tmp_path / "rubric.yaml"


def loaded(path: Path, text: str, profile: str | None = None) -> Rubric:
    path.write_text(text, encoding="utf-8")
    return load(path, parameter_models, profile)


def refusal(path: Path, text: str, profile: str | None = None) -> str:
    with pytest.raises(RubricError) as caught:
        loaded(path, text, profile)
    return str(caught.value)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def as_json(text: str) -> Any:
    return YAML(typ="safe").load(text)


def test_the_shipped_rubric_has_the_criteria_of_the_homework() -> None:
    rubric = shipped_rubric()
    assert {criterion.id for criterion in rubric.criteria} == {
        "written-a", "written-b", "mode-switch", "layer-counts", "written-d", "optimizer-groups",
        "parameter-groups", "accuracy",
    }
    assert {criterion.check for criterion in rubric.criteria} == set(CHECKS) - {"pytest", "metric"}
    assert rubric.reference == ROOT / "reference"
    assert rubric.active.data.source == "shapes"


def test_the_full_profile_asks_for_an_error_below_twelve_percent() -> None:
    rubric = shipped_rubric("full")
    assert rubric.active.thresholds[0].accuracy == 0.88
    assert rubric.active.thresholds[0].share == 1


def test_a_small_rubric_has_the_defaults(rubric_file: Path) -> None:
    rubric = loaded(rubric_file, SMALL)
    assert rubric.profile == "quick"
    assert rubric.late is None
    assert rubric.active.data.hidden.held_out == 300
    first, second = rubric.criteria
    assert first.params.model_dump() == {"answer": "a"}
    assert (first.visibility, second.depends_on) == ("visible", ("first",))


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("cap: 5", "capp: 5",
         "capp: this key is not known; did you mean 'cap'? (allowed: attempts, cap, "),
        ("    points: 3", "    pints: 3", "this key is not known; did you mean 'points'?"),
        ("    answer: a", "    anser: a", "this key is not known; did you mean 'answer'?"),
        ("    answer: a", "    answr: a", "criteria.0.answr: this key is not known"),
        ("    check: written", "    chek: written", "did you mean 'check'?"),
        ("{accuracy: 0.8,", "{accurcy: 0.8,", "did you mean 'accuracy'? (allowed: accuracy, "),
        ("    epochs: 1", "    epoch: 1", "did you mean 'epochs'?"),
        ("check: layer_counts", "check: layer_count", "there is no check 'layer_count'; did you "
         "mean 'layer_counts'? (allowed: accuracy, "),
        ("check: layer_counts", "check: [layer_counts]",
         "criteria.1.check: expected text, found a list"),
        ("points: 3", "points: three", "points: expected a number, found 'three'"),
        ("points: 3", "points: -3", "expected a number above 0, found -3"),
        ("id: second", "id: Second One", "expected small letters, digits and '-', such as "
         "'layer-counts', found 'Second One'"),
        ("visibility: visible", "visibility: secret", "expected 'visible', 'after_due' or "
         "'hidden', found 'secret'"),
        ("total: 5", "total: 6", "the criteria add up to 5 points, 'total' is 6"),
        ("id: second", "id: 'first'", "two criteria have the id 'first'"),
        ("[first]", "[frist]", "no criterion 'frist' stands before this one; did you mean 'first'"),
        ("[first]", "[second]", "no criterion 'second' stands before this one"),
        ("    thresholds", "    thresholds: []\n    old",
         "thresholds: expected a list of 1 or more, found an empty list"),
    ],
)
def test_a_mistake_is_reported_with_its_line(
    rubric_file: Path, right: str, wrong: str, told: str
) -> None:
    text = SMALL.replace(right, wrong, 1)
    assert text != SMALL
    lines = refusal(rubric_file, text).splitlines()
    place = f"{rubric_file}:{line_of(text, wrong)}: "
    assert any(line.startswith(place) and told in line for line in lines), lines


def test_a_missing_key_is_reported_where_its_criterion_begins(rubric_file: Path) -> None:
    text = SMALL.replace("    part: 1(b)\n", "")
    told = refusal(rubric_file, text)
    line = line_of(text, "id: second")
    assert told == f"{rubric_file}:{line}: criteria.1.part: this key is missing"


def test_a_missing_parameter_of_a_check_is_reported_where_its_criterion_begins(
    rubric_file: Path,
) -> None:
    text = SMALL.replace("    answer: a\n", "")
    told = refusal(rubric_file, text)
    line = line_of(text, "id: first")
    assert told == f"{rubric_file}:{line}: criteria.0.answer: this key is missing"


def test_several_mistakes_are_reported_at_once(rubric_file: Path) -> None:
    text = SMALL.replace("cap: 5", "capp: 5").replace("epochs: 1", "epochs: none")
    told = refusal(rubric_file, text)
    assert f"{rubric_file}:3: capp" in told
    assert f"{rubric_file}:6: profiles.quick.epochs" in told


def test_a_parameter_of_another_check_is_refused(rubric_file: Path) -> None:
    text = SMALL.replace("check: layer_counts", "check: layer_counts\n    answer: b")
    line = line_of(text, "answer: b")
    assert f"{rubric_file}:{line}: criteria.1.answer: this key" in refusal(rubric_file, text)


@pytest.mark.parametrize(
    ("right", "wrong"), [("accuracy: 0.8", "accuracy: 0.95"), ("share: 0.5", "share: 1.0")]
)
def test_thresholds_must_descend(rubric_file: Path, right: str, wrong: str) -> None:
    told = refusal(rubric_file, SMALL.replace(right, wrong))
    line = line_of(SMALL, "thresholds:")
    assert f"{rubric_file}:{line}: profiles.quick.thresholds: order them from the highest" in told


@pytest.mark.parametrize(
    ("one", "other"), [("visible", "hidden"), ("visible", "after_due"), ("after_due", "hidden")]
)
def test_a_criterion_may_not_depend_on_a_less_visible_one(
    rubric_file: Path, one: str, other: str
) -> None:
    text = SMALL.replace("answer: a", f"answer: a\n    visibility: {other}")
    text = text.replace("visibility: visible", f"visibility: {one}")
    told = refusal(rubric_file, text)
    assert told.startswith(f"{rubric_file}:{line_of(text, 'depends_on')}: criteria.1.depends_on.0")
    assert f"'second' is {one} but 'first' is {other}" in told


@pytest.mark.parametrize("both", ["visible", "after_due", "hidden"])
def test_a_criterion_may_depend_on_an_equally_visible_one(rubric_file: Path, both: str) -> None:
    text = SMALL.replace("answer: a", f"answer: a\n    visibility: {both}")
    assert loaded(rubric_file, text.replace("visibility: visible", f"visibility: {both}"))


def test_a_hidden_criterion_may_depend_on_a_visible_one(rubric_file: Path) -> None:
    assert loaded(rubric_file, SMALL.replace("visibility: visible", "visibility: hidden"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title: [1\ntotal: 2\n", ":2: not valid YAML: "),
        ("title: a\ntitle: b\n", ":2: not valid YAML: found duplicate key"),
        ("title: \x07\n", ": not valid YAML: "),
        ("title: *nobody\n", ":1: not valid YAML: found undefined alias"),
        ("- a\n- b\n", ":1: expected keys and values"),
        ("", ":1: expected keys and values"),
        ("criteria: none\n", ":1: criteria: expected a list, found 'none'"),
        ("criteria: [3]\n", ":1: criteria.0: expected keys and values, found 3"),
    ],
)
def test_a_file_that_is_no_rubric_is_reported(rubric_file: Path, text: str, told: str) -> None:
    assert f"{rubric_file}{told}" in refusal(rubric_file, text)


def test_a_file_that_is_not_text_is_reported(rubric_file: Path) -> None:
    rubric_file.write_bytes(b"title: \xff\xfe\n")
    with pytest.raises(RubricError, match="not text in UTF-8"):
        load(rubric_file, parameter_models)


def test_a_missing_file_is_reported(rubric_file: Path) -> None:
    with pytest.raises(RubricError) as caught:
        load(rubric_file, parameter_models)
    assert str(caught.value) == f"{rubric_file}: cannot be read: No such file or directory"


def test_an_unknown_profile_is_reported_with_those_there_are(rubric_file: Path) -> None:
    told = refusal(rubric_file, SMALL, "quik")
    assert "there is no profile 'quik'; did you mean 'quick'? (allowed: quick)" in told


def with_data(data: str) -> str:
    return SMALL.replace("    epochs: 1", f"    data: {data}\n    epochs: 1")


def test_hidden_images_may_come_from_two_files(rubric_file: Path) -> None:
    text = with_data("{source: cifar10, path: cifar, hidden: {images: x.npy, labels: y.npy}}")
    data = loaded(rubric_file, text).active.data
    folder = rubric_file.parent
    assert data.hidden.held_out is None
    assert (data.hidden.images, data.hidden.labels) == (folder / "x.npy", folder / "y.npy")
    assert data.path == folder / "cifar"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("{hidden: {images: x.npy}}", "hidden: give both 'images' and 'labels', or neither"),
        ("{hidden: {images: x.npy, labels: y.npy, held_out: 3}}", "hidden: give either 'held_out'"),
        ("{source: cifar10}", "data: source 'cifar10' needs a 'path'"),
        ("{source: mnist}",
         "source: expected 'none', 'shapes', 'digits', 'cifar10', 'imagefolder', 'arrays' or "
         "'loader'"),
    ],
)
def test_data_that_does_not_fit_together_is_reported(
    rubric_file: Path, data: str, told: str
) -> None:
    text = with_data(data)
    found = refusal(rubric_file, text)
    assert f"{rubric_file}:{line_of(text, 'data: {')}: profiles.quick.data" in found
    assert told in found


def test_handouts_that_are_not_there_are_reported_with_their_line(rubric_file: Path) -> None:
    text = SMALL.replace("cap: 5", "cap: 5\nhandouts: given")
    place = f"{rubric_file}:{line_of(text, 'handouts')}: handouts: there is no folder "
    assert refusal(rubric_file, text).startswith(f"{place}{rubric_file.parent / 'given'}; create")
    (rubric_file.parent / "given").mkdir()
    assert loaded(rubric_file, text).handouts == rubric_file.parent / "given"


def test_paths_are_rooted_at_the_rubric_unless_they_are_absolute(rubric_file: Path) -> None:
    text = "reference: ../gold\n" + with_data("{source: cifar10, path: /data/cifar}")
    rubric = loaded(rubric_file, text)
    assert rubric.reference == rubric_file.parent / "../gold"
    assert rubric.active.data.path == Path("/data/cifar")


@pytest.mark.parametrize("due", ["2026-11-30T23:59:00-05:00", "'2026-11-30T23:59:00-05:00'"])
def test_the_due_date_keeps_its_zone(rubric_file: Path, due: str) -> None:
    late = loaded(rubric_file, f"late: {{due: {due}}}\n{SMALL}").late
    assert late is not None
    assert late.due.isoformat() == "2026-11-30T23:59:00-05:00"


def test_a_due_date_without_a_zone_is_reported(rubric_file: Path) -> None:
    told = refusal(rubric_file, f"late:\n  grace_minutes: 5\n  due: 2026-11-30T23:59:00\n{SMALL}")
    assert f"{rubric_file}:3: late.due: no time zone" in told


def test_the_published_schema_is_that_of_the_code() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json_schema(parameter_models())


def test_the_shipped_rubric_names_the_schema_and_keeps_to_it() -> None:
    text = (ROOT / "rubric.yaml").read_text(encoding="utf-8")
    assert text.startswith(f"# yaml-language-server: $schema={SCHEMA.relative_to(ROOT)}\n")
    schema = json_schema(parameter_models())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(as_json(text), schema)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("cap: 5", "capp: 5"),
        ("check: layer_counts", "check: layer_count"),
        ("check: layer_counts", "check: layer_counts\n    answer: b"),
        ("    answer: a\n", ""),
        ("    answer: a", "    anser: a"),
        ("points: 3", "points: three"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(
    rubric_file: Path, right: str, wrong: str
) -> None:
    schema = json_schema(parameter_models())
    jsonschema.validate(as_json(SMALL), schema)
    text = SMALL.replace(right, wrong, 1)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(as_json(text), schema)
    assert refusal(rubric_file, text)


@pytest.mark.parametrize(
    "model",
    [
        Rubric, Criterion, Option, Profile, DataSpec, Hidden, Threshold, StopEarly, Again, Limits,
        Late,
    ],
)
def test_the_reference_explains_every_key(model: type[BaseModel]) -> None:
    text = (ROOT / "docs" / "rubric.md").read_text(encoding="utf-8")
    keys = set(model.model_fields) - {"params"}
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []


def test_the_reference_explains_every_check_and_its_parameters() -> None:
    text = (ROOT / "docs" / "rubric.md").read_text(encoding="utf-8")
    for name, check in CHECKS.items():
        (row,) = (line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        assert all(f"`{key}`" in row for key in check.params.model_fields), name


def test_the_reference_states_the_defaults_of_the_code() -> None:
    text = (ROOT / "docs" / "rubric.md").read_text(encoding="utf-8")
    for model in (Limits, Late, StopEarly):
        for key, field in model.model_fields.items():
            shown = "required" if field.is_required() else f"{field.default or 0:g}"
            shown = "none" if field.default in (None, ()) else shown
            assert f"\n| `{key}` | {shown} |" in text, key


def with_options(*options: str) -> str:
    lines = "".join(f"      - {one}\n" for one in options)
    return SMALL.replace("    answer: a\n", f"    answer: a\n    options:\n{lines}")


def test_options_are_for_any_criterion_and_may_award_or_take_off(rubric_file: Path) -> None:
    awards = ("{points: 1.5, text: One}", "{points: 0.5, text: Other}", "{points: -0.25, text: X}")
    (first, _) = loaded(rubric_file, with_options(*awards)).criteria
    assert [option.points for option in first.options] == [1.5, 0.5, -0.25]
    (first, _) = loaded(rubric_file, with_options("{points: -1, text: No place}")).criteria
    assert first.options[0].text == "No place"


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("{points: 1.5, text: One}",
         "18: criteria.0.options: they add up to 1.5 points; the criterion has 2"),
        ("{points: 0.3, text: One}", "19: criteria.0.options.0.points: "),
        ("{points: 2}", "19: criteria.0.options.0.text: "),
    ],
)
def test_invalid_options_are_reported_with_their_line(
    rubric_file: Path, option: str, said: str
) -> None:
    assert refusal(rubric_file, with_options(option)).startswith(f"{rubric_file}:{said}")


def test_a_criterion_may_have_seconds_of_its_own() -> None:
    one = factories.criterion("a", seconds=90)
    limits = Limits(seconds=10, memory_mib=512)
    assert one.limits_of(limits) == Limits(seconds=90, memory_mib=512)
    assert factories.criterion("b").limits_of(limits) is limits


@pytest.mark.parametrize("name", ["nn.", "no spaces", "1st", "nn..Linear", "torch.*"])
def test_what_is_forbidden_is_a_name(name: str) -> None:
    with pytest.raises(ValidationError, match="forbidden"):
        factories.criterion("a", forbidden=[name])
