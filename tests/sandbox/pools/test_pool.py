"""Capacity of a pool, machines that are refused, and folders on their way to a machine."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from grader.errors import SandboxError, UsageError
from grader.rubric.model import Cluster, Limits
from grader.run.options import RunOptions
from grader.run.pools import is_pooled, pool_of, with_cluster
from grader.run.schedule import Slots
from grader.sandbox.pools.pool import NodeReport, capacity_of, reasons_to_refuse
from grader.sandbox.pools.ray_cluster import connect
from grader.sandbox.pools.ray_pool import RayPool, labels_of
from grader.sandbox.pools.shipping import digest_of, packed
from tests.factories import criterion, rubric, write_files

IMAGE, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
NODE = NodeReport("gpu1", 16, 65_536, ("NVIDIA A100",) * 2, IMAGE)
LIMITS = Limits(cpus=2, memory_mib=4096)


@pytest.mark.parametrize(("cpus", "memory", "gpus", "slots", "expected"), [
    (16, 65_536, 0, 0, (8, 0)),
    (16, 16_384, 0, 0, (4, 0)),    # memory is what is short
    (16, 65_536, 2, 1, (6, 2)),    # a training needs processors as well
    (16, 65_536, 2, 3, (2, 2)),
    (4, 65_536, 8, 1, (1, 2)),     # no more GPUs than processors can serve; code needs a turn, too
    (16, 65_536, 2, 0, (8, 0)),    # GPUs that nobody lends
])  # fmt: skip
def test_capacity_is_what_processors_memory_and_gpus_allow(
    cpus: float, memory: int, gpus: int, slots: int, expected: tuple[int, int]
) -> None:
    found = capacity_of([NodeReport("one", cpus, memory, ("A100",) * gpus)], LIMITS, slots)
    assert (found.jobs, found.gpus) == expected


def test_a_worker_is_not_divided_among_machines() -> None:
    assert capacity_of([replace(NODE, cpus=3)] * 2, LIMITS, 0).jobs == 2


def test_machines_that_are_too_small_are_named_with_what_they_have() -> None:
    small = NodeReport("attic", 1, 2048)
    with pytest.raises(UsageError, match=r"attic: 1 CPUs, 2048 MiB.*limits\.memory_mib"):
        capacity_of([small], LIMITS, 0)


def test_equal_machines_are_not_refused() -> None:
    assert reasons_to_refuse([NODE, replace(NODE, name="gpu2")], mixed_gpus=False) == []


def test_a_machine_with_another_image_is_refused_by_its_name() -> None:
    nodes = [NODE, replace(NODE, name="gpu2", image=OTHER), replace(NODE, name="gpu3")]
    ((name, reason),) = reasons_to_refuse(nodes, mixed_gpus=False)
    assert name == "gpu2"
    assert "bbbbbbbbbbbb" in reason and "aaaaaaaaaaaa" in reason and "docker load" in reason


def test_a_machine_with_another_gpu_is_refused_unless_that_is_allowed() -> None:
    nodes = [NODE, replace(NODE, name="gpu2", gpus=("NVIDIA H100",)), replace(NODE, name="gpu3")]
    ((name, reason),) = reasons_to_refuse(nodes, mixed_gpus=False)
    assert name == "gpu2" and "H100" in reason and "--mixed-gpus" in reason
    assert reasons_to_refuse(nodes, mixed_gpus=True) == []


def test_a_machine_without_a_gpu_is_no_other_model() -> None:
    assert reasons_to_refuse([NODE, replace(NODE, name="cpu1", gpus=())], mixed_gpus=False) == []


def test_what_a_machine_says_about_itself_is_told_with_its_name() -> None:
    nodes = [replace(NODE, problems=("no engine answers",)), NODE]
    assert reasons_to_refuse(nodes, mixed_gpus=False) == [("gpu1", "no engine answers")]


def test_the_rubric_says_where_to_grade_unless_an_option_does() -> None:
    homework = rubric(criterion(), cluster=Cluster(on="ray", gpu_type="A100"))
    found = with_cluster(RunOptions(), homework)
    assert (found.on, found.gpu_type, found.mixed_gpus) == ("ray", "A100", False)
    assert not is_pooled(with_cluster(RunOptions(on="local"), homework))
    assert not is_pooled(RunOptions()), "a student's own check stays on the student's machine"


def test_a_pool_is_made_by_its_name() -> None:
    options = RunOptions(on="ray://gpu1:10001", gpus="auto", engine_args="room=b12 kind=spot")
    found = pool_of(options)
    assert isinstance(found, RayPool)
    assert found.address == "ray://gpu1:10001" and found.gpus
    assert found.labels == {"room": "b12", "kind": "spot"}


@pytest.mark.parametrize(("options", "told"), [
    (RunOptions(on="rey"), "expected local, ray"),
    (RunOptions(on="ray", sandbox="process"), "containers"),
    (RunOptions(on="ray", gpus="0,1"), "--gpu-type"),
])  # fmt: skip
def test_options_that_do_not_fit_a_pool_are_refused(options: RunOptions, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        pool_of(options)


def test_engine_arguments_for_ray_are_labels() -> None:
    with pytest.raises(UsageError, match="'spot' is not NAME=VALUE"):
        labels_of("room=b12 spot")


def test_another_machine_is_not_even_called_without_a_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("ray")
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    with pytest.raises(UsageError, match=r"198\.51\.100\.7 is another machine.*RAY_AUTH_MODE"):
        connect("ray://198.51.100.7:10001")   # an address that is nobody's


def test_gpus_of_a_pool_share_their_turns() -> None:
    """Which GPU is free is the pool's knowledge: nobody waits for a ticket beside a free GPU."""
    slots, held = Slots(1, ("gpu-0", "gpu-1"), 1, pooled=True), threading.Event()
    with slots.for_training() as (first, _), slots.for_training() as (second, _):
        assert first is second
        with first.turn(held), second.turn(held):
            pass
    assert slots.turns == 3


def test_equal_folders_are_equal_archives(tmp_path: Path) -> None:
    files = {"hw2.py": "x = 1\n", "data/one.txt": "1", "empty/.keep": ""}
    one, other = write_files(tmp_path / "a", files), write_files(tmp_path / "b", files)
    os.utime(other / "hw2.py", (0, 0))
    (other / "hw2.py").chmod(0o600)
    assert packed(one) == packed(other)
    (other / "hw2.py").write_text("x = 2\n", encoding="utf-8")
    assert digest_of(packed(one)) != digest_of(packed(other))


def test_links_do_not_travel(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "a", {"hw2.py": "x = 1\n"})
    before = packed(folder)
    (folder / "passwords").symlink_to("/etc/passwd")
    assert packed(folder) == before


def test_a_folder_that_is_not_there_is_the_harnesss_fault(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="missing"):
        packed(tmp_path / "missing")


@pytest.mark.skipif(os.name == "nt", reason="nodes are not Windows machines")
class TestDepot:
    """The folders of a machine that runs workers."""

    def test_data_travel_once_for_users_after_each_other(self, tmp_path: Path) -> None:
        from grader.sandbox.pools.depot import Depot

        archive = packed(write_files(tmp_path / "view", {"images.npy": "1"}))
        depot, fetched = Depot(tmp_path / "depot"), []

        def fetch() -> bytes:
            fetched.append(1)
            return archive

        with depot.data("digest", fetch) as first:
            assert (first / "images.npy").read_text(encoding="utf-8") == "1"
            with depot.data("digest", fetch) as beside:   # locks of files are a channel
                assert beside != first
        with depot.data("digest", fetch) as again:
            assert again in (first, beside)
        assert len(fetched) == 2

    def test_a_submission_is_gone_after_its_worker(self, tmp_path: Path) -> None:
        from grader.sandbox.pools.depot import Depot

        archive = packed(write_files(tmp_path / "ada", {"hw2.py": "x = 1\n"}))
        depot = Depot(tmp_path / "depot")
        with depot.submission(archive) as folder:
            assert "ada" not in str(folder.relative_to(tmp_path))
            assert depot.sweep() == 0, "it is in use"
        assert list((tmp_path / "depot").iterdir()) == []

    def test_what_a_killed_actor_left_is_swept_and_fresh_data_stay(self, tmp_path: Path) -> None:
        from grader.sandbox.pools.depot import Depot

        depot = Depot(tmp_path / "depot")
        write_files(tmp_path / "depot", {"submission-1/.lock": "", "submission-1/hw2.py": ""})
        with depot.data("new", lambda: packed(write_files(tmp_path / "a", {"x": "1"}))):
            pass
        with depot.data("old", lambda: packed(tmp_path / "a")) as old:
            pass
        week = time.time() - 8 * 24 * 3600
        os.utime(old.parent / ".lock", (week, week))
        assert depot.sweep() == 2
        assert [one.name for one in (tmp_path / "depot").iterdir()] == ["data-new-0"]
