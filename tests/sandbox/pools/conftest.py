"""A Ray cluster of two nodes on this machine, with the real engine, for all tests of pools."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grader.sandbox.docker import DockerSandbox

ROOT = Path(__file__).parents[3]
MEMORY = 6 * 2**30   # that a node says it has
ENVIRONMENT = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_ENABLE_AUTO_CONNECT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    # A node that was killed is noticed after seconds.
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "4",
}


@dataclass
class Machines:
    """A cluster on this machine.

    Attributes:
        cluster: Ray's own helper, which starts and kills nodes.
        depot: The folder in which all nodes keep what they were sent.
        docker: The engine and the worker's image.
    """

    cluster: Any
    depot: Path
    docker: DockerSandbox

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def add(self, **resources: Any) -> Any:
        """Start one more node."""
        given = {"num_cpus": 2, "num_gpus": 0, "memory": MEMORY, "object_store_memory": 100 * 2**20}
        return self.cluster.add_node(**given | resources)

    def kill(self, node: Any) -> None:
        """Kill a node's processes, as a machine that loses power does."""
        self.cluster.remove_node(node, allow_graceful=False)

    def settle(self) -> None:
        """Wait until the cluster has noticed which nodes are gone."""
        self.cluster.wait_for_nodes()

    @property
    def running(self) -> list[str]:
        """The `containers` that run."""
        return [one for one in self.containers if "running" in one]

    @property
    def containers(self) -> list[str]:
        """Names and states of the containers that nodes of this cluster have started."""
        found = self.docker.engine.api.containers(all=True, filters={"label": "grader.run"})
        return [
            f"{one['Names'][0]} ({one['State']})"
            for one in found
            if any(str(self.depot) in mount.get("Source", "") for mount in one["Mounts"])
        ]


@pytest.fixture(scope="session")
def machines(
    docker_sandbox: DockerSandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machines]:
    """Two nodes with two processors each; the first is the head."""
    try:
        import ray
        from ray.cluster_utils import Cluster
    except ImportError as error:
        if os.environ.get("GRADER_REQUIRE_DOCKER") == "1":
            raise
        pytest.skip(f"no Ray: {error}")
    depot = tmp_path_factory.mktemp("depot")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setenv("GRADER_DEPOT", str(depot))
        patch.setenv("PYTHONPATH", str(ROOT))   # of the nodes, too
        cluster = Cluster()
        found = Machines(cluster, depot, docker_sandbox)
        try:
            found.add(include_dashboard=False)
            found.add()
            patch.setenv("RAY_ADDRESS", found.address)
            yield found
        finally:
            ray.shutdown()
            cluster.shutdown()  # type: ignore[no-untyped-call]
