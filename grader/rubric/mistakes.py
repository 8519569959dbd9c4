"""Tells mistakes in a YAML file in words for an instructor, each once and with its line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from grader.rubric.model import ID_PATTERN, Rubric, did_you_mean
from grader.text import counted, plain_line

Place = tuple[Any, ...]
Mistake = tuple[int, str]   # its line, and the message that begins with file and line

_OWN = ("value_error", "rule", "time")   # errors whose texts are this project's
_BY_TYPE: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "this key is missing",
    "literal_error": lambda told: f"expected {told['expected']}",
    "greater_than": lambda told: f"expected a number above {told['gt']:g}",
    "greater_than_equal": lambda told: f"expected {told['ge']:g} or more",
    "less_than": lambda told: f"expected a number below {told['lt']:g}",
    "less_than_equal": lambda told: f"expected {told['le']:g} or less",
    "multiple_of": lambda told: f"expected a multiple of {told['multiple_of']:g}",
    "too_short": lambda told: f"expected a list of {told['min_length']} or more",
    "too_long": lambda told: f"expected a list of {told['max_length']} or less",
    "string_too_short": lambda told: f"expected {counted(told['min_length'], 'character')} or more",
    "string_pattern_mismatch": lambda told: (
        "expected small letters, digits and '-', such as 'layer-counts'"
        if told["pattern"] == ID_PATTERN else f"expected a text of the form {told['pattern']}"
    ),
}
# The first part of an error's type says what kind of value was expected.
_BY_KIND = {
    "string": "text", "float": "a number", "int": "a whole number", "finite": "a number",
    "bool": "true or false", "tuple": "a list", "list": "a list", "set": "a list",
    "dict": "keys and values", "mapping": "keys and values", "model": "keys and values",
    "path": "the path of a file", "datetime": "a date and a time, such as 2026-11-30 23:59",
    "date": "a date, such as 2026-11-30",
}  # fmt: skip


def mistakes(
    error: ValidationError,
    document: Any,
    path: Path,
    prefix: Place = (),
    allowed: list[str] | None = None,
    model: type[BaseModel] = Rubric,
) -> list[Mistake]:
    """Return the mistakes in a YAML file, by place.

    Args:
        error: what the model says of the file.
        document: the file's content, as `read_document` returns it.
        path: the file.
        prefix: the place of the part that was validated.
        allowed: the keys that this part may have; None stands for those of `model`.
        model: the model of the file.
    """
    texts: dict[Place, list[str]] = {}
    for problem in error.errors():
        place = (*prefix, *problem["loc"], *problem.get("ctx", {}).get("place", ()))
        if place[-1:] == ("params",) and problem["type"] == "missing":
            continue   # not a key of the file; 'check' is missing as well, and reported
        is_key = problem["type"] in ("missing", "extra_forbidden")
        place = _in_document(document, place, is_key)
        if problem["type"] == "extra_forbidden":
            names = allowed or _fields_at(place[:-1], model)
            text = f"this key is not known{did_you_mean(str(place[-1]), names)}"
        else:
            text = in_words(problem)
        texts.setdefault(place, []).append(text)
    found = []
    for place, said in texts.items():
        if any(len(other) > len(place) and other[: len(place)] == place for other in texts):
            continue   # it follows from a mistake inside
        line = line_of(document, place)
        what = ".".join(map(str, place)) or model.__name__.lower()
        found += [(line, f"{path}:{line}: {what}: {text}") for text in _joined(said)]
    return sorted(found, key=lambda one: one[0])


def in_words(problem: ErrorDetails) -> str:
    """Return what is wrong with a value: what was expected, and what was found."""
    kind, told = problem["type"], problem.get("ctx", {})
    if kind in ("value_error", "rule"):
        return problem["msg"].removeprefix("Value error, ")
    if kind in _BY_TYPE:
        text = _BY_TYPE[kind](told)
    elif kind not in _OWN and (expected := _BY_KIND.get(kind.partition("_")[0])):
        text = f"expected {expected}"
    else:
        text = problem["msg"].replace("Input should be ", "expected ")
    return text + ("" if kind == "missing" else _found(problem["input"]))


def line_of(document: Any, place: Place) -> int:
    """The line of the deepest part of `place` that the document has."""
    line, node = 1, document
    for step in place:
        try:
            marks: Any = node.lc   # lines and columns, kept by ruamel.yaml
            position = marks.item(step) if isinstance(node, list) else marks.key(step)
            line, node = position[0] + 1, node[step]
        except (KeyError, IndexError, AttributeError, TypeError):
            break
    return int(line)


def _found(value: Any) -> str:
    """Return the value as it stands in the file; containers in a word."""
    match value:
        case bool():
            return f", found {str(value).lower()}"
        case None | "":
            return ", found nothing"
        case str():
            return f", found '{plain_line(value, 80)}'"
        case int() | float():
            return f", found {value}"
        case Mapping():
            return ", found keys and values"
        case list() | tuple():
            return ", found a list" if value else ", found an empty list"
        case _:
            return ""


def _joined(texts: list[str]) -> list[str]:
    """Join what several forms of one value would be: the path of a file, or a list."""
    texts = list(dict.fromkeys(texts))
    pairs = [text.partition(", found") for text in texts]
    if len(texts) > 1 and all(text.startswith("expected ") for text in texts):
        forms = ", or ".join(dict.fromkeys(one.removeprefix("expected ") for one, _, _ in pairs))
        return [f"expected {forms}{pairs[0][1]}{pairs[0][2]}"]
    return texts


def _in_document(document: Any, place: Place, last_is_key: bool) -> Place:
    """Return the steps of a place that the file has, without the names of a value's forms."""
    node, steps = document, []
    for number, step in enumerate(place):
        inside = (
            step < len(node) if isinstance(node, list) and isinstance(step, int)
            else isinstance(node, Mapping) and step in node
        )
        if inside:
            node = node[step]
        if inside or (last_is_key and number == len(place) - 1):
            steps.append(step)
    return tuple(steps)


def _fields_at(place: Place, model: type[BaseModel]) -> list[str]:
    """The keys that are allowed at a place of the document, by the model's JSON Schema."""
    schema = model.model_json_schema()
    node: Any = schema
    for step in place:
        if isinstance(step, int):
            node = node.get("items", {})
        else:
            patterns = node.get("patternProperties", {}).values()
            any_key = (node.get("additionalProperties"), *patterns)
            named = node.get("properties", {}).get(step)
            node = named or next((one for one in any_key if isinstance(one, dict)), {})
        for option in node.get("anyOf", [node]):
            if "$ref" in option:
                node = schema["$defs"][option["$ref"].rsplit("/", 1)[-1]]
                break
    return sorted(node.get("properties", {}).keys() - {"params"})
