"""Whose turn it is, on the processor and on each GPU."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from grader.records import ALL_GPUS
from grader.rubric.model import Limits
from grader.run import schedule
from grader.run.schedule import Slot, Slots, Stopped

NEVER = threading.Event()


def test_a_lane_has_no_more_at_a_time_than_it_has_turns() -> None:
    slot, now, most = Slot(2), Counter[str](), []
    lock = threading.Lock()

    def work() -> None:
        with slot.turn(NEVER):
            with lock:
                now["running"] += 1
                most.append(now["running"])
            time.sleep(0.01)
            with lock:
                now["running"] -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 2 and len(most) == 12


def test_those_who_wait_come_in_their_order() -> None:
    slot, order = Slot(1), list[int]()
    came = threading.Semaphore(0)

    def work(number: int) -> None:
        came.release()
        with slot.turn(NEVER):
            order.append(number)

    with slot.turn(NEVER):
        threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
            came.acquire()
            time.sleep(0.02)   # from there to its place in the line
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_who_waits_is_sent_away_when_nothing_new_begins() -> None:
    slot, stop = Slot(1), threading.Event()
    with slot.turn(stop):
        stop.set()
        with pytest.raises(Stopped), slot.turn(stop):
            pass


def test_a_turn_that_ends_with_an_exception_is_given_back() -> None:
    slot = Slot(1)
    with pytest.raises(ValueError), slot.turn(NEVER):
        raise ValueError
    with slot.turn(NEVER):
        pass


def test_each_training_gets_the_gpu_that_the_fewest_have() -> None:
    slots = Slots(2, ["0", "1"], slots_per_gpu=3)
    with slots.for_training() as (_, first), slots.for_training() as (_, second):
        assert {first, second} == {("0",), ("1",)}
        with slots.for_training() as (_, third), slots.for_training() as (_, fourth):
            assert {third, fourth} == {("0",), ("1",)}


def test_a_gpu_has_as_many_trainings_at_a_time_as_it_has_slots() -> None:
    slots = Slots(1, ["0"], slots_per_gpu=2)
    with slots.for_training() as (slot, _), slot.turn(NEVER), slot.turn(NEVER):
        stop = threading.Event()
        stop.set()
        with pytest.raises(Stopped), slot.turn(stop):
            pass


def test_code_runs_while_trainings_hold_every_gpu() -> None:
    slots = Slots(1, ["0"])
    with (
        slots.for_training() as (gpu, _),
        gpu.turn(NEVER),
        slots.for_code() as (slot, gpus),
        slot.turn(NEVER),
    ):
        assert gpus == ()


def test_slots_share_a_gpus_memory_and_one_alone_has_all_of_it() -> None:
    assert Slots(1, ["0"], slots_per_gpu=1).gpu_share is None
    share = Slots(1, ["0"], slots_per_gpu=3).gpu_share
    assert share is not None and 0.25 < share < 1 / 3


def test_gpus_that_are_not_told_apart_are_everybodys() -> None:
    slots = Slots(2, ALL_GPUS)
    assert not slots.has_gpus and slots.turns == 2
    with slots.for_code() as (_, gpus):
        assert gpus == ("all",)


def test_threads_fill_the_cores_and_no_core_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "cores", lambda: 8)
    assert [schedule.threads_each(turns, 8) for turns in (1, 2, 3, 8, 20)] == [8, 4, 2, 1, 1]
    assert [schedule.threads_each(turns, 2) for turns in (1, 2, 3, 8, 20)] == [2, 2, 2, 1, 1]


@pytest.mark.parametrize(("cpus", "threads"), [(2, 2), (2.5, 2), (1, 1), (0.5, 1), (16, 16)])
def test_a_limit_leaves_room_for_threads_whatever_machine_asks(
    monkeypatch: pytest.MonkeyPatch, cpus: float, threads: int
) -> None:
    for cores in (1, 2, 64):
        monkeypatch.setattr(schedule, "cores", lambda cores=cores: cores)
        assert Limits(cpus=cpus).threads == threads
        assert schedule.threads_each(1, threads) == min(cores, threads)


def test_workers_get_ready_ahead_only_where_memory_holds_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(schedule, "_memory_mib", lambda: 16 * 1024)
    assert schedule.workers_ahead(2, 4096) == 2
    assert schedule.workers_ahead(3, 4096) == 3
    assert schedule.workers_ahead(4, 4096) == 0


def test_the_longest_comes_first_and_what_nobody_knows_before_it() -> None:
    seconds = {"ada": 3.0, "grace": 90.0, "new": None, "zoe": 4.0}
    assert schedule.longest_first(seconds, seconds.get) == ["new", "grace", "zoe", "ada"]
