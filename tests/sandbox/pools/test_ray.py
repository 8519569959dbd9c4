"""Workers on nodes of a Ray cluster: the contract of a sandbox, what travels, lost nodes."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from grader.sandbox.base import Sandbox
from grader.sandbox.pools.ray_pool import RayPool
from tests.sandbox.pools.conftest import Machines

# The contract of a sandbox: imported tests run with this module's `sandbox`. Those that concern
# only what happens inside a container are left out; the container is the same one.
from tests.sandbox.test_contract import (  # noqa: F401
    answers,
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


@pytest.fixture(scope="module")
def pool(machines: Machines) -> Iterator[RayPool]:
    pool = RayPool(machines.address, machines.docker.image)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def sandbox(pool: RayPool, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    return pool.open(tmp_path_factory.mktemp("pool"), print, threading.Event())
