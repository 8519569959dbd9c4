"""Syntax of a newer Python is told from mistakes, whichever Python runs the tests."""

from __future__ import annotations

import pytest

from grader.worker.environment.newer_syntax import version_needed

NEW = {
    'print(f"{d["a"]}")': (3, 12),
    'x = f"a {", ".join(names)} b" "c"': (3, 12),
    "print(f'{'x'!r:>{w}}')": (3, 12),
    'print(f"{"\\n".join(rows)} {{}} {y=} {d["a"]:.2f}")': (3, 12),
    'f"""{f"{f"{1}"}"}"""': (3, 12),
    'x = f"{y  # the sum\n}"': (3, 12),
    "type Row = tuple[int, ...]": (3, 12),
    "def first[T](rows: list[T]) -> T:\n    return rows[0]": (3, 12),
    "class Stack[T: (int, str)](list[T]):\n    pass": (3, 12),
    "try:\n    pass\nexcept KeyError, ValueError:\n    pass": (3, 14),
    'x = t"{name}"': (3, 14),
}
WRONG = (
    'print(f"{d["a"]")', 'print(f"{d["a"]}"', 'f"{d["a"]} {}"', 'f"{a b}"', 'f"}"', 'f"{x}',
    "def f(:\n    pass", 'print "a"', "x = = 1", "for i in x\n    pass", "if x:\npass", '"abc',
    "type X =", "type x y = 3", "def f[T(a): pass",
    "try:\n    pass\nexcept ValueError, error:\n    pass",   # Python 2
)  # fmt: skip


@pytest.mark.parametrize("text", NEW)
def test_syntax_of_a_newer_python_is_known(text: str) -> None:
    assert version_needed(f"import os\n{text}\n") == NEW[text]


@pytest.mark.parametrize("text", WRONG)
def test_a_mistake_in_every_python_stays_one(text: str) -> None:
    assert version_needed(f"import os\n{text}\n") is None


def test_a_mistake_beside_new_syntax_stays_one() -> None:
    assert version_needed('print(f"{d["a"]}")\nx = = 1\n') is None
