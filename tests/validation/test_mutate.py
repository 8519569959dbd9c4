"""Search and replace by structure, and what an instructor is told when it does not match."""

from __future__ import annotations

import ast

import pytest

from grader.errors import UsageError
from grader.validation.mutate import Edit, rewrite

SOURCE = '''\
"""A module."""
import torch


class Net:
    def forward(self, x):
        return x + 1


def evaluate(model, loader):
    model.eval()  # a comment
    for x, y in loader:
        model.eval()
        hits = (model( x ) == y).sum()
    return hits


def train(model):
    model.eval()
'''


def same(one: str, other: str) -> bool:
    return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))


def test_layout_comments_and_quotes_do_not_matter() -> None:
    found = rewrite("print('a' ,\n  b = [1,2]) # c\n", Edit('print("a", b=[1, 2])', "quit()"))
    assert found == "quit()\n"


def test_an_expression_is_found_within_another() -> None:
    found = rewrite(SOURCE, Edit("model(x)", "model(x).softmax(1)"))
    assert same(found, SOURCE.replace("model( x )", "model(x).softmax(1)"))


def test_a_name_is_found_where_it_is_set_as_well() -> None:
    assert rewrite("a = 1\nb = a\n", Edit("a", "c", times=2)) == "c = 1\nb = c\n"


def test_an_edit_keeps_to_the_function_that_it_names() -> None:
    found = rewrite(SOURCE, Edit("model.eval()", "pass", within="train"))
    assert same(found, SOURCE.rpartition("model.eval()")[0] + "pass\n")


def test_a_method_is_named_with_its_class_or_without() -> None:
    wanted = SOURCE.replace("x + 1", "x - 1")
    for name in ("Net.forward", "forward"):
        assert same(rewrite(SOURCE, Edit("x + 1", "x - 1", within=name)), wanted)


def test_statements_that_follow_each_other_are_replaced_together() -> None:
    source = "def f():\n    a()\n    b()\n    c()\n"
    assert rewrite(source, Edit("a()\nb()", "b()\na()\nd()")) == (
        "def f():\n    b()\n    a()\n    d()\n    c()\n"
    )


def test_a_block_that_becomes_empty_gets_a_pass() -> None:
    assert rewrite("for x in y:\n    f(x)\n", Edit("f(x)", "")) == "for x in y:\n    pass\n"


def test_without_find_the_body_is_replaced() -> None:
    found = rewrite("def f(x):\n    '''Says.'''\n    return x\n", Edit(by="return 1", within="f"))
    assert found == "def f(x):\n    return 1\n"


def test_one_does_not_match_true() -> None:
    with pytest.raises(UsageError, match="does not occur"):
        rewrite("f(True)\n", Edit("f(1)", "f(2)"))


def test_code_that_does_not_occur_is_an_error_with_the_nearest_code() -> None:
    with pytest.raises(UsageError) as told:
        rewrite(SOURCE, Edit("model.evaluate()", "pass", within="evaluate"))
    assert str(told.value) == (
        "`model.evaluate()` does not occur in 'evaluate'; the nearest is `model.eval()`; copy the "
        "code from the file"
    )


def test_code_that_occurs_too_often_is_an_error_with_its_lines() -> None:
    with pytest.raises(UsageError, match=r"occurs 3 times in the file \(line 11, 13, 19\)"):
        rewrite(SOURCE, Edit("model.eval()", "pass"))
    assert rewrite(SOURCE, Edit("model.eval()", "pass", times=3)).count("pass") == 3


def test_an_edit_that_changes_nothing_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="nothing was changed"):
        rewrite(SOURCE, Edit("x + 1", "x+1"))


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (Edit("model.eval(", "pass"), "'find' is not valid Python, line 1"),
        (Edit("x + 1", "x +"), "'by' is not valid Python, line 1"),
        (Edit("", "pass"), "'find' is empty"),
        (Edit(by="pass"), "there is no 'find'; then 'in' must name the function"),
        (Edit("x", "y", within="test"), "'test' names none; there are Net, Net.forward, evaluate"),
        (Edit("hits", "f()", within="evaluate", times=2), "the result is not valid Python, line"),
    ],
)
def test_an_error_says_what_is_wrong(edit: Edit, told: str) -> None:
    with pytest.raises(UsageError) as error:
        rewrite(SOURCE, edit)
    assert told in str(error.value)
