"""Keeps objects of the student's for an instructor's tests, which hold only their numbers.

A test gets plain data back: values that are not plain data stay here, and the test gets a handle.
For a `torch.nn.Module` there is more than its own attributes: arrays that it is called with become
tensors, `parameters` and `gradients` are arrays by name, and `backward` goes back through the
output of its last call, unless the student's class has a `backward` of its own.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from grader import packing
from grader.worker.environment.errors import message_of
from grader.worker.networks.sizes import LAZY
from grader.worker.session import BadAnswer
from grader.worker.student_code import execution

_DEPTH = 2   # of lists and tuples whose items are described one by one


@dataclass
class LastCall:
    """The last call of a network: the tensors that it was given, and its output."""

    inputs: tuple[torch.Tensor, ...]
    output: Any


@dataclass
class Handles:
    """The objects that the tests of a session know by number."""

    _objects: list[Any] = field(default_factory=list)
    _last: dict[int, LastCall] = field(default_factory=dict)   # by id of a kept network

    def object(self, number: int) -> Any:
        """The object with this number."""
        return self._objects[number]

    def described(self, value: Any, depth: int = 0) -> Mapping[str, Any]:
        """Describe a value for a test: `data`, the number and `kind` of an object, or `items`.

        Each item of a list or tuple that is not plain data is described on its own.
        """
        if _is_plain(value):
            return {"data": value}
        if type(value) in (list, tuple) and depth < _DEPTH:
            items = [self.described(one, depth + 1) for one in value]
            return {"items": items, "tuple": type(value) is tuple}
        for number, kept in enumerate(self._objects):
            if kept is value:
                return {"object": number, "kind": _kind(value)}
        self._objects.append(value)
        return {"object": len(self._objects) - 1, "kind": _kind(value)}

    def attribute(self, owner: Any, name: str) -> Mapping[str, Any]:
        """Describe an attribute of an object; `missing` has the object's kind if there is none."""
        if isinstance(owner, nn.Module):
            of_network: Mapping[str, Callable[..., Any]] = {
                "parameters": partial(_parameters, owner),
                "gradients": partial(_gradients, owner),
                "backward": partial(self._backward, owner),
            }
            own = (
                type(owner).parameters is not nn.Module.parameters if name == "parameters"
                else hasattr(owner, name)
            )
            if name in of_network and not own:
                return self.described(of_network[name])
        try:
            return self.described(getattr(owner, name))
        except AttributeError as error:
            return {"missing": _kind(owner), "why": message_of(error)[:300]}

    def set_attribute(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute; one that is a tensor stays a tensor of its kind and device.

        Raises BadAnswer if the object refuses.
        """
        now = getattr(owner, name, None)
        try:
            if isinstance(now, torch.Tensor) and not isinstance(value, torch.Tensor):
                value = torch.as_tensor(value).to(now.device, now.dtype)
            if isinstance(now, nn.Parameter):
                now.data = value
            else:
                setattr(owner, name, value)
        except Exception as error:
            text = f"{_kind(owner)}.{name} cannot be set: {type(error).__name__}: {error}"
            raise BadAnswer(text[:500]) from None

    def call(self, what: Any, *args: Any, **kwargs: Any) -> Any:
        """Call an object, such as a network, a layer or a method."""
        if not callable(what):
            raise BadAnswer(f"a {_kind(what)} was called; it cannot be called")
        network = what if isinstance(what, nn.Module) else getattr(what, "__self__", None)
        if not isinstance(network, nn.Module):
            return execution.call(what, *args, **kwargs)
        args = tuple(_as_tensor(one) for one in args)
        kwargs = {name: _as_tensor(one) for name, one in kwargs.items()}
        if network is not what or callable(getattr(network, "backward", None)):
            return execution.call(what, *args, **kwargs)
        leaves = [
            one.detach().clone().requires_grad_()
            if isinstance(one, torch.Tensor) and one.is_floating_point() else one
            for one in args
        ]
        inputs = tuple(one for one in leaves if isinstance(one, torch.Tensor) and one.is_leaf
                       and one.requires_grad)
        # A copy of a leaf may be changed in place, as an input in a training may be.
        given = [one.clone() if isinstance(one, torch.Tensor) else one for one in leaves]
        try:
            output = execution.call(network, *given, **kwargs)
        except RuntimeError as error:
            if "require" not in str(error) or "grad" not in str(error):
                raise
            # The code treats its input as one without gradients, `x.numpy()` say: so be it.
            inputs, output = (), execution.call(network, *args, **kwargs)
        self._last[id(network)] = LastCall(inputs, output)
        return output

    def _backward(self, network: nn.Module, upstream: Any = None) -> Any:
        """The gradient of the input of the network's last call; of several inputs, a tuple.

        Gradients of its parameters are added up, as in torch. `upstream` is the gradient of the
        output; it is 1 if the output is a single number.
        """
        last = self._last.get(id(network))
        output = last.output if last is not None else None
        if last is None:
            raise BadAnswer(f"backward() of a {_kind(network)} that was not called before")
        if not isinstance(output, torch.Tensor) or not output.requires_grad:
            raise BadAnswer(
                f"the output of the {_kind(network)} has no gradients: it is not computed from "
                "its input and parameters by operations that torch can differentiate"
            )
        if upstream is not None:
            upstream = torch.as_tensor(upstream).to(output.device, output.dtype)
            if upstream.shape != output.shape:
                shapes = f"{tuple(output.shape)}; {tuple(upstream.shape)} was expected"
                raise BadAnswer(f"the output has the shape {shapes}")
        for one in last.inputs:
            one.grad = None
        torch.autograd.backward(output, upstream, retain_graph=True)
        found = tuple(one.grad for one in last.inputs)
        return found[0] if len(found) == 1 else found


def as_array(value: Any) -> Any:
    """Convert a tensor to an array, bfloat16 to float32; other values stay as they are."""
    if not isinstance(value, torch.Tensor):
        return value
    if is_lazy(value):
        raise packing.PackingError(LAZY)
    plain = value.detach().cpu().resolve_conj()
    return (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()


def _is_plain(value: Any) -> bool:
    if isinstance(value, torch.Tensor):
        return True   # one that cannot be sent is reported as such
    try:
        packing.pack(value, as_array)
    except packing.PackingError:
        return False
    return True


def _kind(value: Any) -> str:
    """The name of an object's class, or of a method with its class."""
    if isinstance(value, types.MethodType):
        return f"{type(value.__self__).__name__}.{value.__name__}"[:80]
    if isinstance(value, partial):
        return f"{type(value.args[0]).__name__}.{value.func.__name__.strip('_')}"[:80]
    return type(value).__name__[:80]


def _as_tensor(value: Any) -> Any:
    """Make a tensor of an array: floats of torch's default type, other numbers as they are."""
    if isinstance(value, dict):   # such as a state_dict
        return {key: _as_tensor(one) for key, one in value.items()}
    if not isinstance(value, np.ndarray):
        return value
    tensor = torch.from_numpy(value)
    return tensor.to(torch.get_default_dtype()) if tensor.is_floating_point() else tensor


def _parameters(network: nn.Module) -> Mapping[str, Any]:
    return dict(network.named_parameters())


def _gradients(network: nn.Module) -> Mapping[str, Any]:
    return {name: one.grad for name, one in network.named_parameters()}
