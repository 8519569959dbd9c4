"""Students' code that attacks an instructor's checks by what it returns, prints or replaces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from grader import packing
from grader.records import Evidence, Outcome, Question
from grader.sandbox.answer_schema import checked
from grader.sandbox.base import Sandbox
from tests.checks.custom.homework import examined, found

HOSTILE = '''
import builtins, json, os, struct, sys, torch
import numpy as np

class Liar:
    def __eq__(self, other): return True
    def __array__(self, *args, **kwargs): return np.ones(3)
    def __float__(self): return 1.0

class Text(str):
    def __eq__(self, other): return True
    def __str__(self): return "right"
    __hash__ = str.__hash__

class Number(float):
    def __eq__(self, other): return True
    def __abs__(self): return 0.0
    __hash__ = float.__hash__

class Rows(np.ndarray):
    def __eq__(self, other): return np.array(True)

def liar(): return Liar()
def text(): return Text("wrong")
def number(): return Number(7.0)
def rows(): return np.zeros(2).view(Rows)
def huge(): return list(range(10**6))
def large(): return np.zeros(2 * 10**7)
def deep():
    value = []
    for _ in range(1000): value = [value]
    return value
def circle():
    value = []
    value.append(value)
    return value
def objects(): return np.array([Liar()], dtype=object)
def long(): return 10**5000
def surrogate(): return "\\ud800"
def network(): return torch.nn.Linear(2, 2)

def frames():
    body = json.dumps({"type": "answer", "id": "tests/0", "outcome": "answered", "value": 42,
                       "blobs": []}).encode()
    frame = struct.pack(">IQ", len(body), 0) + body
    for descriptor in range(3, 20):
        try: os.write(descriptor, frame)
        except OSError: pass
    sys.stdout.write(frame.decode("latin-1"))
    return 1

def replaced():
    builtins.max = lambda values: 42
    torch.randint = lambda *args, **kwargs: torch.full((1,), 42)
    return 1

def packs():
    from grader import packing
    packing.pack = lambda value, plainer=None: (42, ())
    return 1
'''
TESTS = '''
import pytest
from grader.checks.custom.api import probe

def test_text(student):
    value = student.call("text")
    assert type(value) is str and value == "right"
def test_number(student):
    value = student.call("number")
    assert type(value) is float and abs(value - 1) < 1e-6
def test_rows(student):
    assert (student.call("rows") == [1, 1]).all()

@pytest.mark.parametrize("name", ["liar", "huge", "large", "deep", "circle", "objects", "long",
                                  "surrogate", "network"])
def test_returns(student, name): student.call(name)

def test_frames(student): assert student.call("frames") == 42
def test_packs(student): assert student.call("packs") == 42

@probe
def draws(student, first):
    import torch
    student.call(first)
    return [max([1, 2]), int(torch.randint(0, 9, (1,)))]

def test_an_answer_of_a_probe_may_be_forged(student):
    assert student.ask(draws, first="replaced") == [42, 42]
def test_the_next_one_is_unharmed(student):
    assert student.ask(draws, first="text")[0] == 2
'''
WORDS = {
    "liar": "it is a Liar; numbers, text, lists, dicts and arrays can be handed over",
    "huge": "it holds more than 100,000 values",
    "large": "it holds arrays of more than 64 MiB",
    "deep": "is nested deeper than 8",
    "circle": "is nested deeper than 8",
    "objects": "an array of object, not of numbers",
    "long": "a whole number of more than 64 bits",
    "network": "it is a Linear",
}


def test_answers_are_plain_data(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    evidence = examined(tmp_path, TESTS, HOSTILE, sandbox)
    assert evidence.outcome.answered, evidence.outcome
    tests = found(evidence)
    passed = {name for name, (status, _) in tests.items() if status == "passed"}
    assert passed == {
        "test_an_answer_of_a_probe_may_be_forged",
        "test_the_next_one_is_unharmed",
        "test_returns[surrogate]",   # a question mark in its place
    }
    assert {status for status, _ in tests.values()} == {"passed", "failed"}
    for name, words in WORDS.items():
        assert words in tests[f"test_returns[{name}]"][1], tests[f"test_returns[{name}]"]


scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.floats()
)
plain = st.recursive(
    scalars
    | arrays.arrays(
        st.sampled_from(["f4", "f8", "i8", "u1", "?"]), arrays.array_shapes(min_dims=0, min_side=0)
    ),
    lambda inner: st.lists(inner, max_size=3)
    | st.lists(inner, max_size=3).map(tuple)
    | st.dictionaries(st.text() | st.integers(-9, 9), inner, max_size=3),
    max_leaves=12,
)


@given(plain)
def test_what_is_packed_comes_out_as_it_was(value: Any) -> None:
    try:
        packed, blobs = packing.pack(value)
    except packing.PackingError:
        return   # nested too deep
    again, more = packing.pack(packing.unpack(packed, blobs))
    assert (again, more) == (packed, blobs)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-9, 9) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["dict", "tuple", "set", "float", "array", "tensor", "network", "x"]),
        inner, max_size=2,
    ),
    max_leaves=20,
)  # fmt: skip
arrayish = st.builds(
    lambda dtype, shape, number: {"array": [dtype, shape, number]},
    st.sampled_from(["<f4", "|O", "<U4", "<f4,<f4", ">f4", "<m8", "", 3, None]),
    st.lists(st.integers(-2, 2**40), max_size=3) | st.integers(), st.integers(-1, 2),
)  # fmt: skip


@given(json_values | arrayish, st.lists(st.binary(max_size=16), max_size=2))
def test_nothing_that_a_worker_can_write_raises_on_the_host(value: Any, blobs: list[bytes]) -> None:
    question = Question("q", "own", {}, "q", 1)
    evidence = Evidence(question, Outcome("answered", "student"), value, tuple(blobs))
    kept = checked(evidence)
    assert kept.outcome.kind in ("answered", "bad_answer")
    if kept.outcome.answered:
        packing.unpack(kept.value, kept.blobs)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"array": ["<f4", [2], 0]}, "4 bytes for an array <f4 of shape"),
        ({"array": ["|O", [1], 0]}, "something other than numbers"),
        ([{"array": ["<f4", [1], 0]}] * 2, "bytes did not come along"),
        ([], "arrays that came: 1; used: 0"),
        ({"tensor": ["<f4", [1], 0]}, "a tensor where an array was expected"),
        ({"network": {"dict": []}}, "no 'network'"),
        ({"dict": ["a", 1, "a", 2]}, "a key comes twice"),
        ({"dict": ["a"]}, "a key has no value"),
        ({"set": [[1]]}, "keys can be changed"),
        ({"float": "1e999"}, "neither finite nor nan"),
        ({"a": 1, "b": 2}, "an object with 2 keys"),
    ],
)
def test_data_that_no_worker_writes_is_refused(value: Any, words: str) -> None:
    blob = np.float32(1).tobytes()
    with pytest.raises(packing.PackingError) as error:
        packing.unpack(value, (blob,))
    assert words in str(error.value)


def test_a_set_of_tuples_comes_back_as_it_went() -> None:
    value = {"pairs": {(1, "a"), (2, "b")}}
    assert packing.unpack(*packing.pack(value)) == value
