"""Reads `rubric.yaml` into a `Rubric`, and writes its JSON Schema for editors.

Every error has the file, the line, what was found and what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from grader.errors import RubricError
from grader.rubric.base import Model
from grader.rubric.class_lists import read_extensions, read_groups
from grader.rubric.late_policy import Late
from grader.rubric.mistakes import Mistake, line_of, mistakes
from grader.rubric.model import Criterion, Rubric, did_you_mean

Models = Mapping[str, type[BaseModel]]
FindModels = Callable[[tuple[Path, ...]], Models]   # instructor's files -> models of all checks


def load(path: Path, checks: FindModels, profile: str | None = None) -> Rubric:
    """Read and validate a rubric. Its paths become absolute.

    Args:
        path: The rubric. Paths in it are relative to its folder.
        checks: Returns the models of checks' parameters by the check's name, given the
            instructor's files with checks.
        profile: Replaces the rubric's own choice of a profile.

    Raises:
        RubricError: The rubric, or a file that it names, is not valid. The message has the line.
    """
    document = read_document(path)
    found = _bind_parameters(document, path, checks(_own_files(document, path)))
    if profile is not None:
        document["profile"] = profile
    rubric = None
    try:
        rubric = Rubric.model_validate(document)
    except ValidationError as error:
        found += mistakes(error, document, path)
    if rubric is None or found:
        raise RubricError("\n".join(text for _, text in sorted(found, key=lambda one: one[0])))
    if profile is not None and not rubric.profiles:
        raise RubricError(f"{path}: there is no profile '{profile}': this rubric has no profiles, "
                          "because none of its checks trains; leave --profile out")
    rubric = _rooted(rubric, path.resolve().parent)
    _check_data(rubric, document, path)
    if rubric.handouts is not None and not rubric.handouts.is_dir():
        where = f"{path}:{line_of(document, ('handouts',))}"
        raise RubricError(
            f"{where}: handouts: there is no folder {rubric.handouts}; create it with the files "
            "that students were given, or leave this key out"
        )
    return rubric


def json_schema(checks: Models) -> dict[str, Any]:
    """The JSON Schema of `rubric.yaml`, with each check's own parameters."""
    schema = Rubric.model_json_schema()
    criterion = schema["$defs"]["Criterion"]
    del criterion["properties"]["params"]
    criterion["required"].remove("params")
    criterion["properties"]["check"] = {"enum": sorted(checks)}
    own: dict[str, Any] = {}
    for name, model in sorted(checks.items()):
        parameters = model.model_json_schema(ref_template="#/$defs/{model}")
        schema["$defs"].update(parameters.pop("$defs", {}))
        own[name] = parameters
        criterion["properties"] |= dict.fromkeys(parameters["properties"], True)
    every = {key for parameters in own.values() for key in parameters["properties"]}
    criterion["allOf"] = [
        {
            "if": {"properties": {"check": {"const": name}}, "required": ["check"]},
            "then": {
                "properties": dict.fromkeys(sorted(every), False) | parameters["properties"],
                "required": parameters.get("required", []),
            },
        }
        for name, parameters in own.items()
    ]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def own_files(path: Path) -> tuple[Path, ...]:
    """The instructor's files with checks that a rubric names. Raises RubricError."""
    return _own_files(read_document(path), path)


def _own_files(document: Any, path: Path) -> tuple[Path, ...]:
    value = document.get("checks", [])
    names = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) for name in names):
        return ()   # the rubric's model reports the error
    files = tuple(path.resolve().parent / Path(name).expanduser() for name in names)
    for index, file in enumerate(files):
        if not file.is_file():
            place = ("checks", index) if isinstance(value, list) else ("checks",)
            raise RubricError(
                f"{path}:{line_of(document, place)}: checks: there is no file {file}; it has "
                "the instructor's own checks and belongs with the rubric"
            )
    return files


def read_document(path: Path) -> Any:
    """The mapping in a YAML file, with the lines of its keys. Raises RubricError."""
    try:
        document = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RubricError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise RubricError(f"{path}: not text in UTF-8: {error.reason}") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RubricError(f"{path}:{line}: not valid YAML: {error.problem}") from None
    except YAMLError as error:
        raise RubricError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(document, dict):
        raise RubricError(f"{path}:1: expected keys and values, such as 'title: ...'")
    return document


def write_document(document: Mapping[str, Any], path: Path) -> None:
    """Write a mapping as YAML, with its keys in their order."""
    yaml = YAML()
    yaml.width = 100
    yaml.indent(mapping=2, sequence=4, offset=2)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        yaml.dump(dict(document), file)


def _bind_parameters(document: Any, path: Path, checks: Models) -> list[Mistake]:
    """Validate the keys of each criterion that belong to its check, and move them to `params`.

    Returns the mistakes in them.
    """
    own = set(Criterion.model_fields) - {"params"}
    of_checks = {key for model in checks.values() for key in model.model_fields}
    found: list[Mistake] = []
    criteria = document.get("criteria")
    for index, criterion in enumerate(criteria if isinstance(criteria, list) else []):
        if not isinstance(criterion, dict):
            continue
        name = str(criterion.get("check"))
        taken = checks[name].model_fields if name in checks else {}   # a check's own keys go first
        others = [key for key in criterion if key not in own or key in taken]
        parameters: BaseModel = Model()
        if name in checks:
            given = {key: criterion[key] for key in others}
            try:
                parameters = _rooted_files(checks[name].model_validate(given), path)
            except ValidationError as error:
                allowed = sorted(own | set(checks[name].model_fields))
                found += mistakes(error, document, path, ("criteria", index), allowed)
            found += _missing_files(parameters, document, path, index)
            found += _misnamed_files(parameters, document, path, index)
        else:   # whether a key belongs to the check is not known
            others = [key for key in others if key in of_checks]
            if isinstance(criterion.get("check"), str):
                line = line_of(document, ("criteria", index, "check"))
                guess = did_you_mean(name, sorted(checks))
                found.append((line, f"{path}:{line}: there is no check '{name}'{guess}"))
        for key in others:
            del criterion[key]
        criterion["params"] = parameters
    return found


def _rooted_files(parameters: BaseModel, path: Path) -> BaseModel:
    """The parameters with absolute paths."""
    folder = path.resolve().parent
    return parameters.model_copy(update={
        key: folder / value.expanduser() for key, value in parameters if isinstance(value, Path)
    })


def _missing_files(
    parameters: BaseModel, document: Any, path: Path, index: int
) -> Iterator[Mistake]:
    for key, value in parameters:
        if isinstance(value, Path) and not value.is_file():
            line = line_of(document, ("criteria", index, key))
            yield line, f"{path}:{line}: criteria.{index}.{key}: there is no file {value}"


def _check_data(rubric: Rubric, document: Any, path: Path) -> None:
    """Raises RubricError for a criterion's data that do not exist."""
    for index, one in enumerate(rubric.criteria):
        for file in one.data:
            if not file.exists():
                where = f"{path}:{line_of(document, ('criteria', index, 'data'))}"
                raise RubricError(
                    f"{where}: criteria.{index}.data: there is no file or folder {file}; name what "
                    "your tests or checks read, relative to the rubric"
                )

def _misnamed_files(
    parameters: BaseModel, document: Any, path: Path, index: int
) -> Iterator[Mistake]:
    """Yield what 'public' and 'secret' name and is no file of the check, or is both."""
    criterion = document["criteria"][index]
    files = [key for key, value in parameters if isinstance(value, Path)]
    data = criterion.get("data", [])
    named = [str(name) for name in (data if isinstance(data, list) else [data])]
    files += ["data", *named] if named else []
    names_of_files = {*files, *(Path(file).name for file in files)}
    seen: set[str] = set()
    for word in ("public", "secret"):
        names = criterion.get(word)
        for number, name in enumerate(names if isinstance(names, list) else ()):
            place = ("criteria", index, word, number)
            line = line_of(document, place)
            where = f"{path}:{line}: {'.'.join(map(str, place))}"
            if name in seen:
                yield line, f"{where}: '{name}' is named already; a file is either public or secret"
            elif name not in names_of_files and parameters != Model():
                guess = did_you_mean(str(name), files)
                yield line, f"{where}: '{name}' is no file of this check{guess}"
            seen.add(name)


def _rooted(rubric: Rubric, folder: Path) -> Rubric:
    def rooted(path: Path | None) -> Path | None:
        return None if path is None else folder / path.expanduser()

    profiles = {}
    for name, profile in rubric.profiles.items():
        hidden = profile.data.hidden
        hidden = hidden.model_copy(
            update={"images": rooted(hidden.images), "labels": rooted(hidden.labels)}
        )
        data = profile.data.model_copy(update={"path": rooted(profile.data.path), "hidden": hidden})
        profiles[name] = profile.model_copy(update={"data": data})
    return rubric.model_copy(
        update={
            "profiles": profiles,
            "reference": rooted(rubric.reference),
            "recorded": rooted(rubric.recorded),
            "handouts": rooted(rubric.handouts),
            "checks": tuple(folder / file.expanduser() for file in rubric.own_files),
            "starter": rooted(rubric.starter),
            "validation": rooted(rubric.validation),
            "late": _with_extensions(rubric.late, folder),
            "groups": _groups(rubric.groups, folder),
            "criteria": tuple(
                one.model_copy(update={"data": tuple(folder / file for file in one.data)})
                for one in rubric.criteria
            ),
        }
    )


def _with_extensions(late: Late | None, folder: Path) -> Late | None:
    if late is None or not isinstance(late.extensions, Path):
        return late
    granted = read_extensions(folder / late.extensions.expanduser(), late)
    return late.model_copy(update={"extensions": granted})


def _groups(groups: Path | Mapping[str, tuple[str, ...]], folder: Path) -> Any:
    return read_groups(folder / groups.expanduser()) if isinstance(groups, Path) else groups
