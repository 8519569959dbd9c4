"""Keeps tensors and networks on the CPU when a script sends them to a GPU that does not exist.

Every function that takes a device gets the CPU instead of a missing GPU. `torch.device` itself is
unchanged. `torch.cuda.is_available()` is False in the first run of a script; a script that ends
without a GPU is run again and told that there is one (`grader/worker/environment/home.py`).
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.utils._device  # torch itself imports it late

from grader.worker.environment.home import Home
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
# Warnings of torch about a missing GPU; the note says the same once.
_KNOWN = (
    r"User provided device_type of 'cuda'",
    r"CUDA is not available or torch_xla is imported",
    r".*GradScaler is enabled, but CUDA is not available",
    r"'pin_memory' argument is set as true but no accelerator",
)


@dataclass(frozen=True)
class DeviceRedirect:
    """Replaces a device of a missing type by the CPU."""

    log: ShimLog
    missing: tuple[str, ...]   # device types: "cuda", "mps"

    def __call__(self, asked: Any) -> Any:
        """The CPU for a missing device, given as a device, a name or a number; else the argument.
        """
        kind = type(asked)
        if kind is torch.device:
            gone = asked.type in self.missing
        elif kind is str:
            gone = asked.startswith(self.missing)
        else:
            gone = kind is int
        if not gone:
            return asked
        self.note()
        return _CPU

    def note(self) -> None:
        self.log.note("the script asked for a GPU; none is available, so it ran on the CPU")


def install(log: ShimLog, home: Home) -> None:
    """Patch torch on a machine without a CUDA device; with one, do nothing."""
    home.gpu = torch.cuda.is_available()
    if home.gpu:
        return
    missing = ("cuda",) if torch.backends.mps.is_available() else ("cuda", "mps")
    redirect = DeviceRedirect(log, missing)
    _tensors(redirect)
    _factories(redirect)
    _defaults(redirect)
    _files(redirect)
    cuda.install(redirect.note)
    cuda.answer_for(home, lambda: log.note(
        "your code needs a GPU and the grader has none: it was told that there is one, and ran on "
        "the CPU"
    ))  # fmt: skip
    for text in _KNOWN:
        warnings.filterwarnings("ignore", message=text)


def _tensors(redirect: DeviceRedirect) -> None:
    tensor: Any = torch.Tensor
    module: Any = torch.nn.Module
    convert = tensor.type

    def as_type(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], str):
            args = (_without_cuda(args[0], redirect), *args[1:])
        return convert(self, *args, **kwargs)

    def stay(self: Any, *args: Any, **kwargs: Any) -> Any:
        redirect.note()
        return self

    tensor.to, module.to = _moving(tensor.to, redirect), _moving(module.to, redirect)
    tensor.type, tensor.cuda = as_type, stay
    torch.UntypedStorage.cuda = stay  # type: ignore[method-assign]  # a shim
    # Pinned memory and streams need no note: they do not change where a tensor is.
    tensor.pin_memory = lambda self, *args, **kwargs: self
    tensor.record_stream = lambda self, *args, **kwargs: None
    for name in _OF_TENSORS:
        setattr(tensor, name, _with_device(getattr(tensor, name), redirect))


def _moving(move: Callable[..., Any], redirect: DeviceRedirect) -> Callable[..., Any]:
    kinds = frozenset((str, int, torch.device))

    @functools.wraps(move)
    def to(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args and type(args[0]) in kinds:
            args = (redirect(args[0]), *args[1:])
        elif "device" in kwargs:
            kwargs["device"] = redirect(kwargs["device"])
        return move(self, *args, **kwargs)

    return to


def _factories(redirect: DeviceRedirect) -> None:
    # `with torch.device("meta")` and torch.jit know these functions by identity.
    known = getattr(torch.utils._device, "_device_constructors", lambda: None)
    known()
    register = getattr(torch.jit._builtins, "_register_builtin", lambda function, name: None)
    for name in _FACTORIES:
        factory = _with_device(getattr(torch, name), redirect)
        setattr(torch, name, factory)
        register(factory, f"aten::{name}")


def _with_device(function: Callable[..., Any], redirect: DeviceRedirect) -> Callable[..., Any]:
    @functools.wraps(function)
    def build(*args: Any, **kwargs: Any) -> Any:
        if "device" in kwargs:
            kwargs["device"] = redirect(kwargs["device"])
        return function(*args, **kwargs)

    return build


def _defaults(redirect: DeviceRedirect) -> None:
    choose, choose_type = torch.set_default_device, torch.set_default_tensor_type
    context: Any = torch.utils._device.DeviceContext
    enter = context.__init__

    def set_default_device(device: Any) -> None:
        choose(None if redirect(device) is not device else device)

    def set_default_tensor_type(kind: Any) -> None:
        choose_type(_without_cuda(kind, redirect) if isinstance(kind, str) else kind)

    def init(self: Any, device: Any) -> None:   # for `with torch.device("cuda"):`
        enter(self, redirect(device))

    class Generator(torch.Generator):
        def __new__(cls, device: Any = "cpu") -> Generator:
            return super().__new__(cls, redirect(device))  # type: ignore[call-arg]  # torch's stubs

    Generator.__module__, Generator.__qualname__ = "torch", "Generator"
    torch.set_default_device = set_default_device
    torch.set_default_tensor_type = set_default_tensor_type
    context.__init__ = init
    torch.Generator = Generator  # type: ignore[misc]  # a shim


def _files(redirect: DeviceRedirect) -> None:
    def placed(load: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(load)
        def from_file(file: Any, map_location: Any = None, *args: Any, **kwargs: Any) -> Any:
            # A file that was saved on a GPU may be loaded with no location, or with a dict of them.
            vague = map_location is None or isinstance(map_location, dict)
            return load(file, _CPU if vague else redirect(map_location), *args, **kwargs)

        return from_file

    for module in (torch, torch.jit):
        module.load = placed(module.load)  # type: ignore[attr-defined]  # a shim


def _without_cuda(name: str, redirect: DeviceRedirect) -> str:
    """Replace `torch.cuda.FloatTensor` by `torch.FloatTensor`."""
    if not name.startswith("torch.cuda."):
        return name
    redirect.note()
    return name.replace("torch.cuda.", "torch.", 1)
