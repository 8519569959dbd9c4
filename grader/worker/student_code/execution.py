"""Runs the student's files: as a module whose functions are called, or as a script."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import os
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from grader.worker.observer.observer import BudgetReached
from grader.worker.session import BadAnswer, Session
from grader.worker.student_code import sources
from grader.worker.student_code.sources import Source


def function(session: Session, name: str) -> Callable[..., Any] | None:
    """Load the file that defines a function and return it; None when no file defines one.

    An exception after the function was defined is added to the session's notes. Raises the file's
    exception when the function was never defined.
    """
    source = sources.defining(session.folder, name)
    if source is None:
        broken = sources.first_syntax_error(session.folder)
        if broken is not None:
            raise broken
        return None
    module, error = _import(session.folder, source)
    found = getattr(module, name, None)
    if callable(found) and isinstance(error, BudgetReached):
        error = None   # the file trained while it was loaded, until its budget was used up
    if not callable(found):
        if error is not None:
            raise error
        raise sources.not_found(session.folder, f"a function {name}")
    if error is not None:
        session.notes.append(f"{source.path.name} raised {type(error).__name__}: {error}"[:300])
    session.loaded()
    return found  # type: ignore[no-any-return]  # anything that the student gave that name


def value(session: Session, name: str) -> Any:
    """Load the file that binds a name at its top, and return the value.

    Raises NotFound when no file binds it, and the file's exception when it was never bound.
    """
    source = sources.binding(session.folder, name)
    if source is None:
        broken = sources.first_syntax_error(session.folder)
        raise broken or sources.not_found(session.folder, f"{name} at the top of a file")
    module, error = _import(session.folder, source)
    if name not in vars(module):
        raise error or sources.not_found(session.folder, f"{name} at the top of a file")
    session.loaded()
    return vars(module)[name]


def call(student: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call a student's function. Raises BadAnswer when it does not take these arguments.

    Python raises the TypeError in the caller, so it would look like a fault of the grader.
    """
    try:
        signature = inspect.signature(student)
    except (TypeError, ValueError):
        return student(*arguments, **named)   # a built-in without a signature
    try:
        signature.bind(*arguments, **named)
    except TypeError as error:
        name = getattr(student, "__name__", "the function")
        raise BadAnswer(
            f"{name}{signature} cannot be called with {len(arguments) + len(named)} "
            f"argument{'s' * (len(arguments) + len(named) != 1)}: {error}"
        ) from None
    return student(*arguments, **named)


def takes(student: Callable[..., Any], count: int) -> bool:
    """True if a function can be called with so many arguments, or has no signature."""
    try:
        inspect.signature(student).bind(*range(count))
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def run_as_script(source: Source, namespace: dict[str, Any]) -> BaseException | None:
    """Run a file as `python FILE` would; returns the exception that ended it, if any.

    The variables are put into `namespace`. A notebook runs cell by cell; a cell that raises does
    not stop the others, and the first exception is returned, a SystemExit too.
    """
    if source.error is not None:
        return source.error
    namespace.update({"__name__": "__main__", "__file__": str(source.path)})
    if source.is_of_a_package:   # as with `python -m`
        namespace["__package__"] = source.path.parent.name
        sys.path.insert(0, str(source.path.parent.parent))
    module = types.ModuleType("__main__")
    # Pickle and dataclasses look up the module of a class.
    module.__dict__.update(namespace)
    sys.modules["__main__"] = module
    sys.argv = [str(source.path)]
    sys.path.insert(0, str(source.path.parent))
    os.chdir(source.path.parent)
    return _execute(source, module.__dict__, namespace)


def is_ordinary_end(error: BaseException | None) -> bool:
    """True for the SystemExit of `exit()`, and for no exception."""
    return error is None or (isinstance(error, SystemExit) and error.code in (None, 0))


def _execute(
    source: Source, globals_: dict[str, Any], namespace: dict[str, Any]
) -> BaseException | None:
    first: BaseException | None = None
    for code in _pieces(source):
        try:
            exec(code, globals_)
        except (SystemExit, BudgetReached) as error:
            first = first or error
            break
        except BaseException as error:
            first = first or error
            if not isinstance(error, Exception):
                break
    namespace.update(globals_)
    return first


def _pieces(source: Source) -> Iterator[types.CodeType]:
    """The compiled file, or its cells one by one, with the line numbers of the file."""
    with warnings.catch_warnings():
        # A warning about "\d" in a student's string is of no use here.
        warnings.simplefilter("ignore")
        tree = ast.parse(source.text, filename=str(source.path))
        groups: dict[int, list[ast.stmt]] = {}
        for node in tree.body:
            cell = source.cell_of(node.lineno) if source.is_notebook else 0
            groups.setdefault(cell, []).append(node)
        for body in groups.values():
            part = ast.Module(body=body, type_ignores=[])
            yield compile(part, str(source.path), "exec", dont_inherit=True)


def _import(folder: Path, source: Source) -> tuple[types.ModuleType, BaseException | None]:
    """Load a file under the module name by which the submission's own imports find it."""
    inside = source.path.relative_to(folder).with_suffix("")
    parts = list(inside.parts)
    if (folder / "__init__.py").exists():
        parts = [folder.name, *parts]
    name = ".".join(part for part in parts if part != "__init__") or folder.name
    if name in sys.modules and getattr(sys.modules[name], "__file__", None) == str(source.path):
        return sys.modules[name], None
    spec = importlib.util.spec_from_loader(name, loader=None, origin=str(source.path))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(source.path)
    module.__package__ = name if source.path.name == "__init__.py" else name.rpartition(".")[0]
    if "." in name:
        importlib.import_module(module.__package__)
    sys.modules[name] = module
    if source.error is not None:
        return module, source.error
    error = _execute(source, module.__dict__, {})
    return module, None if is_ordinary_end(error) else error
