"""Where there is no GPU, what a script sends to one stays on the CPU.

Every place that takes a device is given a CPU where another was asked for. `torch.device` itself
stays as it is, and `torch.cuda.is_available()` says False: a script that asks is told the truth.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.utils._device  # which torch itself imports late

from grader.worker.shims import cuda
from grader.worker.shims.log import ShimLog

_CPU = torch.device("cpu")
_FACTORIES = (
    "arange", "as_tensor", "asarray", "bartlett_window", "blackman_window", "empty", "empty_like",
    "empty_strided", "eye", "full", "full_like", "hamming_window", "hann_window", "kaiser_window",
    "linspace", "logspace", "normal", "ones", "ones_like", "rand", "rand_like", "randint",
    "randint_like", "randn", "randn_like", "randperm", "range", "scalar_tensor",
    "sparse_coo_tensor", "tensor", "tril_indices", "triu_indices", "zeros", "zeros_like",
)  # fmt: skip
_OF_TENSORS = ("new_tensor", "new_zeros", "new_ones", "new_full", "new_empty")
# What torch says of a GPU that is not there; the note says it once, and to the point.
_KNOWN = (
    r"User provided device_type of 'cuda'",
    r"CUDA is not available or torch_xla is imported",
    r".*GradScaler is enabled, but CUDA is not available",
    r"'pin_memory' argument is set as true but no accelerator",
)


@dataclass(frozen=True)
class Here:
    """Says of each device that a script asks for where that is: `away` are the types not there."""

    log: ShimLog
    away: tuple[str, ...]

    def __call__(self, asked: Any) -> Any:
        """A CPU for a device (by type, name or number) that is away, anything else unchanged."""
        kind = type(asked)
        if kind is torch.device:
            gone = asked.type in self.away
        elif kind is str:
            gone = asked.startswith(self.away)
        else:
            gone = kind is int
        if not gone:
            return asked
        self.tell()
        return _CPU

    def tell(self) -> None:
        self.log.note("the script asked for a GPU, and there is none here: it ran on the CPU")


def install(log: ShimLog) -> None:
    if torch.cuda.is_available():
        return
    here = Here(log, ("cuda",) if torch.backends.mps.is_available() else ("cuda", "mps"))
    _tensors(here)
    _factories(here)
    _defaults(here)
    _files(here)
    cuda.install(here.tell)
    for text in _KNOWN:
        warnings.filterwarnings("ignore", message=text)


def _tensors(here: Here) -> None:
    tensor: Any = torch.Tensor
    module: Any = torch.nn.Module
    convert = tensor.type

    def as_type(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], str):
            args = (_without_cuda(args[0], here), *args[1:])
        return convert(self, *args, **kwargs)

    def stay(self: Any, *args: Any, **kwargs: Any) -> Any:
        here.tell()
        return self

    tensor.to, module.to = _moving(tensor.to, here), _moving(module.to, here)
    tensor.type, tensor.cuda = as_type, stay
    torch.UntypedStorage.cuda = stay  # type: ignore[method-assign]  # a stand-in
    # Memory that is pinned for a GPU, and streams of one: no word is lost on them.
    tensor.pin_memory = lambda self, *args, **kwargs: self
    tensor.record_stream = lambda self, *args, **kwargs: None
    for name in _OF_TENSORS:
        setattr(tensor, name, _with_device(getattr(tensor, name), here))


def _moving(move: Callable[..., Any], here: Here) -> Callable[..., Any]:
    kinds = frozenset((str, int, torch.device))

    @functools.wraps(move)
    def to(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args and type(args[0]) in kinds:
            args = (here(args[0]), *args[1:])
        elif "device" in kwargs:
            kwargs["device"] = here(kwargs["device"])
        return move(self, *args, **kwargs)

    return to


def _factories(here: Here) -> None:
    # They are known by identity to `with torch.device("meta")` and to torch.jit.
    known = getattr(torch.utils._device, "_device_constructors", lambda: None)
    known()
    register = getattr(torch.jit._builtins, "_register_builtin", lambda function, name: None)
    for name in _FACTORIES:
        factory = _with_device(getattr(torch, name), here)
        setattr(torch, name, factory)
        register(factory, f"aten::{name}")


def _with_device(function: Callable[..., Any], here: Here) -> Callable[..., Any]:
    @functools.wraps(function)
    def build(*args: Any, **kwargs: Any) -> Any:
        if "device" in kwargs:
            kwargs["device"] = here(kwargs["device"])
        return function(*args, **kwargs)

    return build


def _defaults(here: Here) -> None:
    choose, choose_type = torch.set_default_device, torch.set_default_tensor_type
    context: Any = torch.utils._device.DeviceContext
    enter = context.__init__

    def set_default_device(device: Any) -> None:
        choose(None if here(device) is not device else device)

    def set_default_tensor_type(kind: Any) -> None:
        choose_type(_without_cuda(kind, here) if isinstance(kind, str) else kind)

    def init(self: Any, device: Any) -> None:   # of `with torch.device("cuda"):`
        enter(self, here(device))

    class Generator(torch.Generator):
        def __new__(cls, device: Any = "cpu") -> Generator:
            return super().__new__(cls, here(device))  # type: ignore[call-arg]  # torch's stubs

    Generator.__module__, Generator.__qualname__ = "torch", "Generator"
    torch.set_default_device = set_default_device
    torch.set_default_tensor_type = set_default_tensor_type
    context.__init__ = init
    torch.Generator = Generator  # type: ignore[misc]  # a stand-in


def _files(here: Here) -> None:
    def placed(load: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(load)
        def from_file(file: Any, map_location: Any = None, *args: Any, **kwargs: Any) -> Any:
            # What was saved on a GPU comes here without a wish, and with a dict of them.
            vague = map_location is None or isinstance(map_location, dict)
            return load(file, _CPU if vague else here(map_location), *args, **kwargs)

        return from_file

    for module in (torch, torch.jit):
        module.load = placed(module.load)  # type: ignore[attr-defined]  # a stand-in


def _without_cuda(name: str, here: Here) -> str:
    """`torch.cuda.FloatTensor` -> `torch.FloatTensor`."""
    if not name.startswith("torch.cuda."):
        return name
    here.tell()
    return name.replace("torch.cuda.", "torch.", 1)
