"""Import hooks: change a module once a script imports it, or provide one that is not installed.

Nothing is imported before the script imports it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

Action = Callable[[Any], None]


class OnImport(MetaPathFinder):
    """Runs actions on modules as they are loaded; the other finders find them."""

    def __init__(self) -> None:
        self._actions: dict[str, list[Action]] = {}

    def install(self) -> None:
        sys.meta_path.insert(0, self)

    def do(self, module: str, action: Action) -> None:
        """Call `action` with the module once it is loaded, or now if it is loaded already.

        An exception in the action is ignored: another version of the module may lack what the
        action changes.
        """
        self._actions.setdefault(module, []).append(action)
        if module in sys.modules:
            with contextlib.suppress(Exception):
                action(sys.modules[module])

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: Any = None
    ) -> ModuleSpec | None:
        actions = self._actions.get(fullname)
        if actions is None:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            _follow(spec.loader, actions)
        return spec


def _follow(loader: Any, actions: Sequence[Action]) -> None:
    load = loader.exec_module

    def exec_module(module: Any) -> None:
        load(module)
        for action in actions:
            with contextlib.suppress(Exception):
                action(module)

    loader.exec_module = exec_module


class IfMissing(MetaPathFinder, Loader):
    """Provides replacements for modules that no other finder finds."""

    def __init__(self) -> None:
        self._modules: dict[str, Action] = {}
        self._packages: dict[str, Action] = {}

    def install(self) -> None:
        sys.meta_path.append(self)

    def give(self, module: str, fill: Action) -> None:
        """Provide a module of that name; `fill` puts its contents into it."""
        self._modules[module] = fill

    def give_all(self, package: str, fill: Action) -> None:
        """Provide a package of that name, and each of its submodules, whatever their names are."""
        self._packages[package] = fill

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: Any = None
    ) -> ModuleSpec | None:
        top = fullname.partition(".")[0]
        given = getattr(sys.modules.get(top), "__spec__", None)
        if top in self._packages and (top == fullname or (given and given.loader is self)):
            return ModuleSpec(fullname, self, is_package=True)
        if fullname not in self._modules:
            return None
        inside = any(name.startswith(f"{fullname}.") for name in self._modules)
        return ModuleSpec(fullname, self, is_package=inside)

    def exec_module(self, module: Any) -> None:
        name = module.__name__
        (self._modules.get(name) or self._packages[name.partition(".")[0]])(module)
