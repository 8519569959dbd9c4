"""Workers on nodes of a Ray cluster: the contract of a sandbox, what travels, lost nodes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.checks.registry import parameter_models
from grader.errors import UsageError
from grader.grading.gradebook_file import in_memory
from grader.rubric.load import load
from grader.rubric.model import Limits
from grader.run.cache.file import no_cache
from grader.run.grade_class import Unwatched
from grader.run.open import grades_of
from grader.run.options import RunOptions
from grader.sandbox.base import Sandbox
from grader.sandbox.pools.ray_pool import RayPool
from grader.submissions.discover import discover
from tests.factories import write_files
from tests.faults.a_class import HONEST, ROOT, RUBRIC, a_class
from tests.sandbox.pools.conftest import Machines
from tests.sandbox.pools.recording import RecordingCell, recorded

# The contract of a sandbox: imported tests run with this module's `sandbox`. Those that concern
# only what happens inside a container are left out; the container is the same one.
from tests.sandbox.test_contract import (  # noqa: F401
    answers,
    job_of,
    test_a_flood_of_output_is_cut_and_costs_nothing,
    test_a_loop_costs_its_own_question_only,
    test_a_segfault_is_named,
    test_a_student_who_prints_an_answer_has_not_answered,
    test_a_submission_that_is_not_there_is_the_harnesss_fault,
    test_an_answer_comes_back,
    test_an_exception_names_the_students_line,
    test_exiting_early_is_the_students_fault,
    test_too_much_memory_is_named_and_spares_the_rest,
    test_what_was_printed_before_an_answer_comes_with_it,
)

pytestmark = pytest.mark.docker

MARK, SECRET = "a line of the student's own", "A title that only the instructor knows"


@pytest.fixture(scope="module")
def pool(machines: Machines) -> Iterator[RayPool]:
    pool = RayPool(machines.address, machines.docker.image)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def sandbox(pool: RayPool, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    return pool.open(tmp_path_factory.mktemp("pool"), print, threading.Event())


def test_labels_rules_and_names_stay_on_the_head(machines: Machines, tmp_path: Path) -> None:
    submissions = a_class(tmp_path / "in", 0)
    for name in ("ada-lovelace", "alan-turing"):
        write_files(submissions / name, {"hw2.py": HONEST + f"\n# {MARK}\n"})
    text = RUBRIC.read_text(encoding="utf-8").replace("title: Groups", f"title: {SECRET}")
    (tmp_path / "rubric.yaml").write_text(
        text.replace("../../reference", str(ROOT / "reference")), encoding="utf-8"
    )
    homework = load(tmp_path / "rubric.yaml", parameter_models)
    recording = RayPool(machines.address, machines.docker.image, cell=RecordingCell)

    @contextmanager
    def opener(options: RunOptions, folder: Path, say: object) -> Iterator[Any]:
        try:
            yield recording.open(folder, print, threading.Event()), ()
        finally:
            recording.close()

    options = RunOptions(criteria=("layer-counts", "parameter-groups"), jobs=2)
    with in_memory() as book:
        hand_ins = discover(submissions)
        silent = Unwatched()
        grades = list(grades_of(
            homework, hand_ins, options, book, no_cache(), silent.say, silent.tell, opener=opener
        ))  # fmt: skip
    assert [one.state for one in grades] == ["graded"] * 2
    sent = recorded(machines.depot)
    assert MARK.encode() in sent and b"parameter_groups" in sent, "it records"
    # The last one is where Question, Evidence and Verdict come from in a pickle.
    for never in (SECRET, "ada-lovelace", "alan-turing", "grader.records"):
        assert never not in HONEST
        assert never.encode() not in sent, never


def test_two_trainings_share_a_gpu_and_a_third_one_waits(
    machines: Machines, tmp_path: Path
) -> None:
    node = machines.add(num_gpus=1, num_cpus=4, resources={"accelerator_type:A100": 1})
    pool = RayPool(
        machines.address, machines.docker.image, gpus=True, slots_per_gpu=2, gpu_type="A100",
        lend_gpus=False, command=("cat",),
    )  # fmt: skip
    limits = Limits(cpus=1, memory_mib=256)
    job = replace(job_of(tmp_path, "", ()), limits=limits)
    third = threading.Event()

    def start_third() -> None:
        with shared.start(job, ("gpu-0",)):
            third.set()

    try:
        shared = pool.open(tmp_path, print, threading.Event())
        assert pool.capacity(limits, 2).gpus == 1
        assert shared.gpu_models(("gpu-0",)) == ("A100",)
        with shared.start(job, ("gpu-0",)) as one:
            with shared.start(job, ("gpu-0",)) as other:
                assert one.node == other.node
                waiting = threading.Thread(target=start_third)
                waiting.start()
                assert not third.wait(3)
            assert third.wait(60)
        waiting.join()
    finally:
        pool.close()
        machines.kill(node)
    machines.settle()
    assert machines.running == []


def test_nodes_without_the_image_and_without_an_engine_are_refused_by_name(
    machines: Machines, tmp_path: Path
) -> None:
    node = machines.add(
        labels={"room": "attic"}, env_vars={"DOCKER_HOST": "unix:///nobody/listens.sock"}
    )
    pool = RayPool(machines.address, machines.docker.image)
    with pytest.raises(UsageError) as refused:
        pool.open(tmp_path, print, threading.Event())
    name = next(one.name for one in pool.probe() if one.problems)
    assert f"{name}: connecting to the Docker Engine: no Docker" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 2, "the other nodes are fine"
    pool.close()
    machines.kill(node)
    machines.settle()
    pool = RayPool(machines.address, "grader-worker:never")
    with pytest.raises(UsageError) as refused:
        pool.open(tmp_path, print, threading.Event())
    for one in pool.probe():
        assert f"{one.name}: it has no image grader-worker:never" in str(refused.value)
    pool.close()
