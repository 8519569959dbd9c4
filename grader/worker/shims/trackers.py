"""Accepts what a script logs to an experiment tracker that is not installed, and does nothing."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from grader.worker.shims.import_hooks import IfMissing

NAMES = frozenset((
    "aim", "clearml", "comet_ml", "dvclive", "hyperdash", "livelossplot", "mlflow", "neptune",
    "sacred", "swanlab", "tensorboardX", "tensorboard_logger", "trackio", "visdom", "wandb",
))  # fmt: skip


class _Kind(type):
    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Tracker()


class Tracker(metaclass=_Kind):
    """An object whose every attribute, item and result is another one.

    `config` keeps the values that a script gives to `init` or `update`, and gives them back.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._keep(kwargs.get("config"))

    def _keep(self, config: Any) -> None:
        if isinstance(config, Mapping):
            vars(self).setdefault("config", Config()).update(config)
        elif hasattr(config, "__dict__"):
            vars(self).setdefault("config", Config()).update(vars(config))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "connect":   # clearml's, which gives back what it gets
            return lambda value, *args, **kwargs: value
        return vars(self).setdefault(name, Config() if name == "config" else Tracker())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and isinstance(args[0], (types.FunctionType, type)):
            return args[0]   # as a decorator
        return Tracker(*args, **kwargs)

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, *exception: Any) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, name: Any) -> Any:
        return Tracker()

    def __setitem__(self, name: Any, value: Any) -> None:
        pass

    def __str__(self) -> str:
        return "offline"


class Config(dict[str, Any]):
    """Settings as attributes and as items; `update` accepts objects as well."""

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def update(self, *args: Any, **kwargs: Any) -> None:
        given = [vars(one) if hasattr(one, "__dict__") and not isinstance(one, Mapping) else one
                 for one in args]
        kwargs.pop("allow_val_change", None)
        super().update(*given, **kwargs)

    setdefaults = update


def install(missing: IfMissing) -> None:
    """Provide every tracker that is not installed, with all of its submodules."""
    os.environ.setdefault("WANDB_MODE", "disabled")   # where it is installed
    for name in NAMES:
        missing.give_all(name, _fill)
    if find_spec("tensorboard") is None:   # torch's own module for it needs it
        sys.modules["torch.utils.tensorboard"] = module = types.ModuleType("tensorboard")
        _fill(module)


def _fill(module: Any) -> None:
    shared = Tracker()

    def attribute(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name[0].isupper():   # a class, which a script may extend
            found: Any = type(name, (Tracker,), {})
        else:
            found = getattr(shared, name)
        setattr(module, name, found)
        return found

    def init(*args: Any, **kwargs: Any) -> Tracker:
        shared._keep(kwargs.get("config"))
        return shared

    def agent(sweep: Any, function: Any = None, *args: Any, **kwargs: Any) -> None:
        if callable(function):   # one run stands for all of a sweep
            function()

    def sweep(plan: Any = None, *args: Any, **kwargs: Any) -> str:
        parameters = plan.get("parameters", {}) if isinstance(plan, Mapping) else {}
        shared._keep({name: _first(given) for name, given in parameters.items()})
        return "offline"

    module.__getattr__ = attribute
    module.init, module.config, module.sweep, module.agent = init, shared.config, sweep, agent
    module.run = shared


def _first(given: Any) -> Any:
    """The first value that a sweep would try."""
    if not isinstance(given, Mapping):
        return given
    values = given.get("values") or [given.get("value", given.get("min"))]
    return values[0]
