"""A Ray cluster as a pool: connects to it, compares its nodes, and counts what it holds.

docs/cluster.md says how to set one up, and whom one trusts by doing so.
"""

from __future__ import annotations

import dataclasses
import secrets
import shlex
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from grader.errors import UsageError
from grader.rubric.model import Limits
from grader.sandbox.pools.pool import (
    UNKNOWN,
    Capacity,
    NodeReport,
    capacity_of,
    reasons_to_refuse,
)
from grader.sandbox.pools.ray_cluster import (
    Node,
    alive_nodes,
    connect,
    disconnect,
    is_here,
    on_each,
)
from grader.text import counted

if TYPE_CHECKING:   # ray is an extra, and takes a second to import
    from grader.sandbox.pools.ray_node import Cell
    from grader.sandbox.pools.ray_sandbox import RaySandbox

_DESCRIBE_SECONDS = 120.0   # a node first starts a process for it
_TIDY_SECONDS = 20.0
_MODEL = "accelerator_type:"   # the prefix of Ray's resource that names a GPU's model


@dataclass(frozen=True)
class _Node:
    """A node that may run workers: Ray's id of it, and Ray's name for the model of its GPUs."""

    id: str
    report: NodeReport
    model: str | None


@dataclass
class RayPool:
    """A `grader.sandbox.pools.pool.Pool` of Ray nodes.

    Attributes:
        address: The head, such as `ray://head:10001`. None: the cluster that this machine belongs
            to or RAY_ADDRESS names, or else a new one of this machine alone.
        image: Name of the worker's image.
        runtime: The engines' container runtime; None: their default.
        gpus: GPUs are lent.
        slots_per_gpu: Trainings that share a GPU.
        gpu_type: Ray's name of a GPU's model, such as "A100"; None: every model.
        mixed_gpus: Different models may grade one class.
        labels: Labels of the nodes to use; empty: all nodes.
        lend_gpus: Containers get the GPUs that Ray assigned. False where GPUs are made up.
        command: Replaces the worker, for tests.
        cell: Replaces the actor's class, for tests.
    """

    address: str | None
    image: str
    runtime: str | None = None
    gpus: bool = False
    slots_per_gpu: int = 1
    gpu_type: str | None = None
    mixed_gpus: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    lend_gpus: bool = True
    command: tuple[str, ...] | None = None
    cell: type[Cell] | None = None
    run: str = field(default_factory=lambda: secrets.token_hex(4))

    def __post_init__(self) -> None:
        self._nodes: tuple[_Node, ...] | None = None
        self._sandbox: RaySandbox | None = None
        self._connected = False   # by this pool, which then also disconnects

    @property
    def name(self) -> str:
        return self.address or "ray"

    def open(self, folder: Path, say: Callable[[str], None], stop: threading.Event) -> RaySandbox:
        """Connect, refuse nodes that differ, and return the sandbox; see `Pool.open`."""
        from grader.sandbox.pools.ray_node import Settings
        from grader.sandbox.pools.ray_sandbox import RaySandbox

        reports = self.probe()
        mixed = self.mixed_gpus or not self.gpus
        if refused := reasons_to_refuse(self._lending(reports), mixed):
            raise UsageError(
                f"--on {self.name}: these machines may not grade a class together:\n"
                + "\n".join(f"  {name}: {reason}" for name, reason in refused)
            )
        images = [one.image for one in reports if one.image is not None]
        if not images:
            raise UsageError(f"--on {self.name}: {self._no_nodes()}")
        assert self._nodes is not None
        self._tidy(None)
        say(f"Grading on {counted(len(reports), 'machine')}: {', '.join(o.name for o in reports)}.")
        self._sandbox = RaySandbox(
            Settings(images[0], self.runtime, self.run, self.lend_gpus, self.command),
            tuple(sorted({model for one in self._lending(reports) for model in one.gpus})),
            {one.id: one.report.name for one in self._nodes},
            self.slots_per_gpu,
            {"label_selector": dict(self.labels)} if self.labels else {},
            {"accelerator_type": self.gpu_type} if self.gpu_type else {},
            self._is_wanted,
            stop,
            *(() if self.cell is None else (self.cell,)),
        )
        return self._sandbox

    def capacity(self, limits: Limits, slots_per_gpu: int) -> Capacity:
        """Return how much the nodes hold at a time; see `Pool.capacity`."""
        return capacity_of(self._lending(self.probe()), limits, slots_per_gpu)

    def probe(self) -> tuple[NodeReport, ...]:
        """Return a report of each node that matches the labels; see `Pool.probe`."""
        if self._nodes is None:
            self._connected = connect(self.address)
            self._nodes = self._described()
        return tuple(one.report for one in self._nodes)

    def close(self) -> None:
        """End all workers, remove their containers on every node, and disconnect."""
        if self._sandbox is not None:
            self._sandbox.close()
            self._tidy(self.run)
            self._sandbox = None
        if self._connected:
            with suppress(Exception):   # the head may be gone
                disconnect()
            self._connected = False
        self._nodes = None

    def _described(self) -> tuple[_Node, ...]:
        from grader.sandbox.pools.ray_node import describe

        nodes = [one for one in alive_nodes() if self._is_wanted(one)]
        said = on_each(nodes, describe, self.image, self.runtime, seconds=_DESCRIBE_SECONDS)
        hosts = [one["NodeManagerHostname"] for one in nodes]
        remote = not all(is_here(one["NodeManagerAddress"]) for one in nodes)
        found = []
        for node, condition in zip(nodes, said, strict=True):
            name, has = node["NodeManagerHostname"], node["Resources"]
            if hosts.count(name) > 1:
                name = f"{name}-{node['NodeID'][:8]}"
            model = next((key.removeprefix(_MODEL) for key in has if key.startswith(_MODEL)), None)
            report = NodeReport(
                name,
                float(has.get("CPU", 0)),
                int(has.get("memory", 0) // 2**20),
                (model or UNKNOWN,) * int(has.get("GPU", 0)),
            )
            found.append(_Node(node["NodeID"], self._with(report, condition, remote), model))
        return tuple(found)

    def _with(self, report: NodeReport, condition: object, remote: bool) -> NodeReport:
        """Add a node's `Condition` to its report, or the text that came in its place."""
        from grader.sandbox.pools.ray_node import Condition, code

        if not isinstance(condition, Condition):
            problem = f"it cannot run the grader ({condition}): install this version of it there"
            return dataclasses.replace(report, problems=(problem,))
        problems = list(condition.problems)
        if condition.code != code():
            problems.append(
                f"it has grader {condition.code}, and this machine has {code()}: install the same"
                " version on all machines"
            )
        if remote and not condition.wants_tokens:
            problems.append(
                "its Ray was started without RAY_AUTH_MODE=token, so everybody who reaches it can"
                " run programs there: stop it, and start it with a token (docs/cluster.md)"
            )
        gpus, models = report.gpus, condition.gpu_models
        if models and self.lend_gpus:   # more exact than Ray's
            gpus = tuple(models[number % len(models)] for number in range(len(gpus)))
        return dataclasses.replace(
            report, gpus=gpus, image=condition.image_id, problems=tuple(problems)
        )

    def _tidy(self, run: str | None) -> None:
        from grader.sandbox.pools.ray_node import tidy

        with suppress(Exception):   # the head may be gone; the next run does it
            nodes = [one for one in alive_nodes() if self._is_wanted(one)]
            on_each(nodes, tidy, run, seconds=_TIDY_SECONDS)

    def _is_wanted(self, node: Node) -> bool:
        """Say if a node may run workers: it has processors for that, and the labels."""
        has = node.get("Labels") or {}
        return node["Resources"].get("CPU", 0) > 0 and all(
            has.get(name) == value for name, value in self.labels.items()
        )

    def _lending(self, reports: tuple[NodeReport, ...]) -> tuple[NodeReport, ...]:
        """Return the reports with the GPUs of the wanted model only."""
        return tuple(
            one if self.gpu_type in (None, node.model) else dataclasses.replace(one, gpus=())
            for one, node in zip(reports, self._nodes or (), strict=True)
        )

    def _no_nodes(self) -> str:
        wanted = ", ".join(f"{name}={value}" for name, value in self.labels.items())
        return f"no node has processors{f' and the labels {wanted}' if wanted else ''}"


def labels_of(engine_args: str) -> dict[str, str]:
    """Read `--engine-args` for Ray: labels of nodes, such as `ray.io/market-type=spot`.

    Raises:
        UsageError: A word is not of the form NAME=VALUE.
    """
    words = shlex.split(engine_args)
    for word in words:
        if not all(word.partition("=")):
            raise UsageError(
                f"--engine-args {engine_args!r}: '{word}' is not NAME=VALUE; with --on ray they are"
                " labels of the nodes to use, as in `ray start --labels`"
            )
    return {name: value for name, _, value in (word.partition("=") for word in words)}
