"""Containers are read whole and in parts, each iterator once, and in bounded time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from grader import wire
from grader.worker.values.containers import MAX_ITEMS, Container, Drained, Known, Reader, attributes
from grader.worker.values.counts import numbers, tables
from grader.worker.values.parameter_lists import Frame, lists

FOLDER = Path(__file__).parent   # the classes in this file count as the student's


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.bn = nn.BatchNorm2d(4)


NET = Net()
CONV, BN = [*NET.conv.parameters()], [*NET.bn.parameters()]
NAMES = {name for name, _ in NET.named_parameters()}


def reader() -> Reader:
    return Reader(Known(frozenset({"conv", "bn", *NAMES}), frozenset(NAMES), FOLDER), Drained())


def read(value: Any) -> list[Container]:
    return list(reader().containers("x", value))


def names_of(value: Any) -> dict[str, list[str]]:
    """The parameters in each container that a value holds, by the container's name."""
    found, _ = lists([Frame("f", {"x": value}, {})], [NET], [], reader())
    return {row["name"]: row["names"] for row in found}


@pytest.mark.parametrize(
    "value",
    [
        BN, tuple(BN), set(BN), {"a": BN[0], "b": BN[1]}, {"a": BN[0], "b": BN[1]}.items(),
        {"a": BN[0], "b": BN[1]}.values(), [("bn", BN[0]), ("bn", BN[1])], [(BN[0], BN[1], 4)],
        ["bn.weight", "bn.bias"], {"bn.weight", "bn.bias"}, {"bn.weight": 4, "bn.bias": 4},
        {"bn.weight": torch.Size([4]), "bn.bias": torch.Size([4])}, [NET.bn], {"bn": BN},
        {"bn": {"weight": BN[0], "bias": BN[1]}}, [["bn", *BN]], [(NET.bn, "weight"), BN[1]],
        [None, *BN, None], nn.ParameterList(BN), nn.ModuleList([NET.bn]), [("bn", "weight"), BN[1]],
        [{"name": "bn.weight", "shape": (4,)}, {"name": "bn.bias", "shape": (4,)}],
        [("bn.weight", "bn.bias")], {"params": BN, "lr": 0.1}, ["module.bn.weight", "bn.bias"],
        [("bn.weight", BN[0].data), ("bn.bias", BN[1].data)],
    ],
    ids=lambda value: type(value).__name__,   # the same in every process: a set has no order
)
def test_one_group_is_read_whole(value: Any) -> None:
    assert sorted(names_of(value)["x"]) == ["bn.bias", "bn.weight"]


def test_groups_in_a_dictionary_are_read_whole_and_one_by_one() -> None:
    found = names_of({"bn": BN * 4, "conv": CONV * 4, "epochs": 3})
    assert set(found) == {"x.bn", "x.conv"}
    assert names_of({"b": BN * 4, "c": CONV * 4}).keys() == {"x", "x.b", "x.c"}


def test_a_part_names_its_parent() -> None:
    parents = {one.name: one.parent for one in read({"a": [BN, CONV], "b": [BN]})}
    assert parents == {"x": "", "x.a": "x", "x.a[0]": "x.a", "x.a[1]": "x.a", "x.b": "x"}


@pytest.mark.parametrize(
    "value",
    [
        3, None, "bn.weight", BN[0], NET, [1, 2], {"lr": 0.1}, range(5), torch.Size([3]), print,
        torch, torch.optim.SGD(BN, lr=0.1), b"bn.weight", [[1.0], [2.0]], open, int, Net,
    ],
    ids=repr,
)
def test_a_value_without_parameters_is_no_container(value: Any) -> None:
    assert [one for one in read(value) if one.entries] == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: (p for p in BN), lambda: map(nn.Parameter.requires_grad_, BN),
        lambda: filter(lambda p: True, BN),
        lambda: itertools.chain(BN[:1], BN[1:]), lambda: zip(["a", "b"], BN, strict=True),
        lambda: reversed(BN), lambda: iter(BN), lambda: NET.bn.parameters(),
        lambda: NET.bn.named_parameters(), lambda: itertools.islice(BN, 2),
    ],
)
def test_an_iterator_is_read_once_and_remembered(make: Callable[[], Any]) -> None:
    iterator, once = make(), reader()
    first = next(once.containers("x", iterator))
    again = next(once.containers("y", [iterator]))
    assert len(first.entries) == 2 and not first.used_up
    assert again.entries == first.entries


def test_a_used_up_iterator_is_marked() -> None:
    iterator = iter(BN)
    assert len(list(iterator)) == 2
    (one,) = read(iterator)
    assert one.used_up and not one.entries
    (empty,) = read([])
    assert not empty.used_up


def test_an_iterator_that_raises_gives_its_items_so_far() -> None:
    def broken() -> Any:
        yield from BN
        raise ValueError("gone")

    assert len(read(broken())[0].entries) == 2


def test_an_iterator_of_lists_may_begin_with_an_empty_one() -> None:
    assert len(names_of(iter([[], BN, CONV]))["x"]) == 4


def test_an_iterator_of_data_is_read_for_one_batch_only() -> None:
    taken = []

    def batches() -> Any:
        while True:
            taken.append(1)
            yield torch.zeros(4), torch.zeros(4)

    read(batches())
    assert len(taken) == 1


class Endless:
    def __iter__(self) -> Endless:
        return self

    def __next__(self) -> nn.Parameter:
        raise AssertionError("an iterator of another library was read")


def test_iterators_of_other_libraries_are_not_read() -> None:
    assert read(Endless()) == []


def test_reading_a_container_that_holds_itself_ends() -> None:
    itself: list[Any] = []
    itself += [itself, itself, itself]
    groups: dict[str, Any] = {"lr": 0.1}
    groups["params"] = groups
    holder = Empty()
    holder.params = holder
    for value in (itself, groups, holder, [groups], [holder]):
        assert [one for one in read(value) if one.entries] == []


def test_no_more_is_read_than_a_frame_may_carry() -> None:
    for value in (itertools.repeat(BN[0]), [BN[0]] * 9000, [[BN[0]] * 3000] * 9):
        assert len(read(value)[0].entries) == MAX_ITEMS


class Empty:
    params: Any = None


class Holder:
    kind = "a class attribute"
    shared = BN

    def __init__(self) -> None:
        self.params: Any = None

    def method(self) -> None: ...

    @property
    def unread(self) -> Any:
        raise AssertionError("a property was read")


def test_attributes_come_from_an_object_and_its_class() -> None:
    found = attributes(Holder(), FOLDER)
    assert found == {"kind": "a class attribute", "shared": BN, "params": None}
    assert attributes(Holder, FOLDER) == {"kind": "a class attribute", "shared": BN}


@pytest.mark.parametrize("value", [3, "text", [], {}, NET.conv, Path(), nn.Linear, torch.optim])
def test_objects_of_other_code_are_not_inspected(value: Any) -> None:
    assert attributes(value, FOLDER) is None


def test_names_without_end_fit_into_an_answer() -> None:
    long = {f"v{number}" + "weight" * 16_000: BN for number in range(60)}
    counts = {name: {name: 3, "fc": 4} for name in long}
    rows, _ = lists([Frame("f", long, {})], [NET], [], reader())
    found = tables([Frame("f", counts, {})], reader())
    by_name = numbers([Frame("f", dict.fromkeys(long, 7), {})], reader())
    assert len(wire.encode({"value": [rows, found, by_name]})) < wire.MAX_HEADER
    assert len({row["name"] for row in rows}) == len({row["name"] for row in by_name}) == 60
    assert all(row["names"] == ["bn.weight", "bn.bias"] for row in rows)
    assert len(found) == 40 and found[0]["pairs"][1] == ["fc", 4]
