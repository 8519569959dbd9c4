"""Connects to a Ray cluster, unless anybody could use it, and calls functions on its nodes."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import socket
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psutil

from grader.errors import EngineMissing, UsageError

NO_TOKENS = (
    "{what} is another machine, and Ray lets everybody who reaches its ports run programs on every"
    " node: make a token with `ray get-auth-token --generate`, copy it to all machines, set"
    " RAY_AUTH_MODE=token, and start the nodes again (docs/cluster.md)"
)
Node = dict[str, Any]   # as Ray lists it, with NodeID, NodeManagerAddress, Resources, Labels


def connect(address: str | None) -> bool:
    """Connect to the cluster; return False if this process was connected already.

    Args:
        address: As for `grader.sandbox.pools.ray_pool.RayPool`.

    Raises:
        EngineMissing: It does not answer.
        UsageError: Ray is not installed, or a node is another machine and no token is used.
    """
    if importlib.util.find_spec("ray") is None:
        raise UsageError("--on ray needs Ray: pip install 'torch-grader[ray]'")
    host = urlsplit(address).hostname if address else None
    if host is not None and not is_here(host) and not _has_token():
        raise UsageError(NO_TOKENS.format(what=host))
    # After `disconnect`, a thread that still waits must not start a cluster of its own.
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")   # Ray's coming default
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")   # a class is nobody's business
    import ray

    if ray.is_initialized():
        return False
    try:
        with _own_signals(), warnings.catch_warnings(action="ignore"):
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:   # Ray has a dozen kinds of errors here
        first = str(error).strip().partition("\n")[0][:300]
        raise EngineMissing(
            f"--on {address or 'ray'}: no Ray cluster answers: {type(error).__name__}: {first}:"
            " see whether it runs (`ray status` on its head), and has the same versions of Ray and"
            " Python, and the same token, as this machine"
        ) from None
    elsewhere = [one for one in alive_nodes() if not is_here(one["NodeManagerAddress"])]
    if elsewhere and not _has_token():
        disconnect()
        raise UsageError(NO_TOKENS.format(what=elsewhere[0]["NodeManagerHostname"]))
    return True


def disconnect() -> None:
    """Leave the cluster; a cluster that `connect` started ends."""
    import ray

    ray.shutdown()


def alive_nodes() -> list[Node]:
    """Return the nodes that are alive, as Ray lists them."""
    import ray

    nodes: list[Node] = ray.nodes()  # type: ignore[no-untyped-call]
    return [one for one in nodes if one["Alive"]]


def on_each(
    nodes: Sequence[Node], function: Callable[..., Any], *arguments: Any, seconds: float
) -> list[Any]:
    """Call a function on every node, at the same time.

    Args:
        nodes: The nodes.
        function: The function; the nodes import it by its name.
        arguments: Its arguments.
        seconds: Time for all answers.

    Returns:
        What it returned, by node; a text where it failed or did not answer.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    try:
        task = ray.remote(num_cpus=0, max_retries=0)(function)
        asked = [
            task.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(one["NodeID"], soft=False)
            ).remote(*arguments)
            for one in nodes
        ]
        if asked:
            ray.wait(asked, num_returns=len(asked), timeout=seconds)
    except Exception as error:   # over `ray://`, the head already runs what nodes will run
        return [_in_short(error) for _ in nodes]
    answers: list[Any] = []
    for one in asked:
        try:
            answers.append(ray.get(one, timeout=0))
        except Exception as error:   # the node's, or Ray's
            answers.append(_in_short(error))
    return answers


def _in_short(error: Exception) -> str:
    """Return the last line of an error, which names what was missing on the node."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[-1].strip()[:300]}"


def is_here(host: str) -> bool:
    """Say if a host's name or address is one of this machine's."""
    own = {one.address for several in psutil.net_if_addrs().values() for one in several}
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return found <= own | {"127.0.0.1", "::1"}


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep this program's handler of SIGTERM, which Ray replaces when it connects."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _has_token() -> bool:
    return os.environ.get("RAY_AUTH_MODE") == "token"
