"""Running the student's files: as a module whose functions are called, or as a script."""

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

from grader.worker.session import BadAnswer, Session
from grader.worker.student_code import sources
from grader.worker.student_code.sources import Source


def function(session: Session, name: str) -> Callable[..., Any] | None:
    """The student's function of that name, its file loaded; None when no file defines one.

    A file that raises after the function was defined has still defined it: the error is noted and
    costs nothing here. Raises what the file raises when the function never came to be.
    """
    source = sources.defining(session.folder, name)
    if source is None:
        broken = sources.first_syntax_error(session.folder)
        if broken is not None:
            raise broken
        return None
    from grader.worker.observer.observer import BudgetReached

    module, error = _import(session.folder, source)
    found = getattr(module, name, None)
    if callable(found) and isinstance(error, BudgetReached):
        error = None   # it trained while it was loaded, for as long as it may
    if not callable(found):
        if error is not None:
            raise error
        raise sources.not_found(session.folder, f"a function {name}")
    if error is not None:
        session.notes.append(f"{source.path.name} raised {type(error).__name__}: {error}"[:300])
    session.loaded()
    return found  # type: ignore[no-any-return]  # whatever the student bound to that name


def value(session: Session, name: str) -> Any:
    """What the student's file has under that name at its top, the file loaded.

    Raises NotFound where no file has it, and what the file raises before it came to be.
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
    """Call a student's function; raises BadAnswer when it does not take these arguments.

    Python raises that TypeError at the caller, where it would read like a fault of the grader.
    """
    try:
        signature = inspect.signature(student)
    except (TypeError, ValueError):
        return student(*arguments, **named)   # built in: nothing to look at
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
    """Whether a function can be called with so many arguments."""
    try:
        inspect.signature(student).bind(*range(count))
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def run_as_script(source: Source, namespace: dict[str, Any]) -> BaseException | None:
    """Run a file as `python FILE` would, into `namespace`; the exception that ended it, if any.

    A notebook runs cell by cell, and a cell that raises does not hide the others: the first
    exception is returned. `exit()` at the end of a script is an ordinary end.
    """
    if source.error is not None:
        return source.error
    namespace.update({"__name__": "__main__", "__file__": str(source.path)})
    if source.is_of_a_package:   # as with `python -m`
        namespace["__package__"] = source.path.parent.name
        sys.path.insert(0, str(source.path.parent.parent))
    module = types.ModuleType("__main__")
    # What is pickled or dataclassed in a script looks its own module up.
    module.__dict__.update(namespace)
    sys.modules["__main__"] = module
    sys.argv = [str(source.path)]
    sys.path.insert(0, str(source.path.parent))
    os.chdir(source.path.parent)
    return _execute(source, module.__dict__, namespace)


def _execute(
    source: Source, globals_: dict[str, Any], namespace: dict[str, Any]
) -> BaseException | None:
    from grader.worker.observer.observer import BudgetReached

    first: BaseException | None = None
    for code in _pieces(source):
        try:
            exec(code, globals_)
        except SystemExit as error:
            if error.code not in (None, 0):
                first = first or error
            break
        except BudgetReached as error:
            first = first or error
            break
        except BaseException as error:
            first = first or error
            if not isinstance(error, Exception):
                break
    namespace.update(globals_)
    return first


def _pieces(source: Source) -> Iterator[types.CodeType]:
    """The whole file, or its cells; line numbers stay those of the file."""
    with warnings.catch_warnings():
        # `"\d"` in a student's string is not the grader's business.
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
    """Load a file as the module that its own imports would call it."""
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
    namespace: dict[str, Any] = {}
    return module, _execute(source, module.__dict__, namespace)
