"""Notebooks become source that runs, cell by cell, whatever is in them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.submissions.ipython_syntax import IPythonSyntax
from grader.submissions.notebook import LARGEST_NOTEBOOK, Notebook, NotebookError
from grader.submissions.notebook import read_notebook as read_as_it_is
from grader.worker.student_code.broken_cells import runnable


def notebook(*cells: str | tuple[str, str]) -> str:
    """A notebook of today's format; a bare string is a code cell."""
    pairs = [("code", cell) if isinstance(cell, str) else cell for cell in cells]
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {},
            "cells": [{"cell_type": kind, "source": text} for kind, text in pairs],
        }
    )


def read_notebook(text: str, ipython: IPythonSyntax | None = None) -> Notebook:
    """A notebook as the worker runs it."""
    found = read_as_it_is(text, ipython)
    return replace(found, source=runnable(found.source))


def converted(cell: str) -> str:
    """The code that one cell becomes, without its marker."""
    marker, _, code = read_notebook(notebook(cell)).source.partition("\n")
    assert marker == "# %% [cell 1]"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of "\d"
        compile(code, "converted", "exec")
    assert code.endswith("\n")
    return code[:-1]


def test_a_marker_counts_all_cells_as_jupyter_shows_them() -> None:
    found = read_notebook(notebook(("markdown", "# Hello"), "x = 1", ("raw", "raw"), "y = 2\n"))
    assert found.source == "# %% [cell 2]\nx = 1\n# %% [cell 4]\ny = 2\n\n"
    assert found.markdown == ("# Hello", "raw")


def test_a_cell_may_be_a_list_of_lines_and_may_have_outputs() -> None:
    text = json.dumps(
        {
            "nbformat": 4,
            "cells": [
                {"cell_type": "code", "source": ["a = 1\n", "b = 2"], "outputs": [{"x": "print"}]}
            ],
        }
    )
    assert read_notebook(text).source == "# %% [cell 1]\na = 1\nb = 2\n"


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "x  =  1   # odd   spacing\n\n\n",
        'text = """\n%not a magic\n!nor a shell line\n"""\n',
        "get_ipython().system('ls')",
        "y = (5\n% 3)",
        'pattern = "\\d"',
        "x = '\u2028'",
    ],
)
def test_python_is_left_as_it_is(cell: str) -> None:
    assert converted(cell) == cell


LINE_MAGIC = "get_ipython().run_line_magic({!r}, {!r})".format
SHELL = "get_ipython().system({!r})".format
CELL_MAGIC = "get_ipython().run_cell_magic({!r}, {!r}, {!r})".format
GONE = LINE_MAGIC("gone", "")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%matplotlib inline\nx = 1", LINE_MAGIC("matplotlib", "inline") + "\nx = 1"),
        ("!pip install it's \\\n  torch\nx = 1", SHELL("pip install it's    torch") + "\n\nx = 1"),
        ("pip install torch\nx = 1", LINE_MAGIC("pip", "install torch") + "\nx = 1"),
        ("if True:\n    !ls\nx = 1", "if True:\n    " + SHELL("ls") + "\nx = 1"),
        ("if True:\n\t%cd data", "if True:\n\t" + LINE_MAGIC("cd", "data")),
        ("x = !ls\ny = 1", "x = get_ipython().getoutput('ls')\ny = 1"),
        ("!!ls\nx = 1", "get_ipython().getoutput('ls')\nx = 1"),
        (
            "    \nif 1:\n  a.b['c'] = %pwd",
            "    \nif 1:\n  a.b['c'] = " + LINE_MAGIC("pwd", ""),
        ),
        ("resnet18?\nx = 1", LINE_MAGIC("pinfo", "resnet18") + "\nx = 1"),
        ("?nn.Module\nx = 1", LINE_MAGIC("pinfo", "nn.Module") + "\nx = 1"),
        ("x.y??", LINE_MAGIC("pinfo2", "x.y")),
        ("%%time\nx = 1", "\nx = 1"),
        ("# timing\n\n%%capture out\n%%time\nx = 1", None),
        ("\n%%capture out\n%%time\n!ls\nx = 1", "\n\n\n" + SHELL("ls") + "\nx = 1"),
        ("%time model = fit()\nx = 1", "model = fit()\nx = 1"),
        ("%time !ls 'here'\nx = 1", SHELL("ls 'here'") + "\nx = 1"),
        ("y = %time fit('4')\nx = 1", "y = fit('4')\nx = 1"),
        ("%time -q fit()\nx = 1", LINE_MAGIC("time", "-q fit()") + "\nx = 1"),
        ("%time\nx = 1", LINE_MAGIC("time", "") + "\nx = 1"),
        ("%%bash\nls it's\n", CELL_MAGIC("bash", "", "ls it's\n") + "\n\n"),
        ("%%html", CELL_MAGIC("html", "", "")),
        ('s = """\n%kept\n"""\n%gone', f's = """\n%kept\n"""\n{GONE}'),
        ("s = '''it\n!kept'''\n!gone", "s = '''it\n!kept'''\n" + SHELL("gone")),
        ('s = """\npip install x\n"""\n%gone', f's = """\npip install x\n"""\n{GONE}'),
        ("y = (5\n% 3)\n%gone", f"y = (5\n% 3)\n{GONE}"),
        ("y = 1 + \\\n2\n%gone", f"y = 1 + \\\n2\n{GONE}"),
        ("x = '#'  # it's (\n%gone", f"x = '#'  # it's (\n{GONE}"),
        ("x = '\u2028'\n%gone", f"x = '\u2028'\n{GONE}"),
        ("  y = 2\n  x = 1", "y = 2\nx = 1"),
        ("In [3]: x = 1\n   ...: y = 2", "x = 1\ny = 2"),
        ("%%time\n    y = 2\n    x = 1", "\ny = 2\nx = 1"),
        ("%%capture out\n  %pwd\n  x = 1", "\n" + LINE_MAGIC("pwd", "") + "\nx = 1"),
        ("\n\tx = 1\n\tif x:\n\t\t!ls", "\nx = 1\nif x:\n\t" + SHELL("ls")),
        (">>> def f():\n...     return 1\n\n>>> x = f()", "def f():\n    return 1\n\nx = f()"),
    ],
)
def test_what_only_ipython_understands_becomes_what_jupyter_runs(
    cell: str, expected: str | None
) -> None:
    code = converted(cell)
    assert code.count("\n") == cell.count("\n")
    if expected is not None:
        assert code == expected
    namespace: dict[str, Any] = {"fit": int, "a": None, "get_ipython": Shell}
    if "x = 1" in code:
        exec(code, namespace)
        assert namespace["x"] == 1


class Shell:
    """Has the methods that transformed cells call; each does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args: None


def test_an_error_below_a_magic_names_the_right_line() -> None:
    cell = "\n%%time\n!pip install \\\n    torch\nx = %pwd\nraise KeyError"
    with pytest.raises(KeyError) as error:
        exec(compile(converted(cell), "cell", "exec"), {"get_ipython": Shell})
    assert error.traceback[-1].lineno + 1 == 6


@pytest.mark.parametrize(
    "slow",
    [
        "x =" + " " * 20_000 + "$",  # 80 seconds to tokenize
        "'" + "\\'" * 20_000,
        "a" * 20_000 + "[?",
        "(" + "a" * 20_000 + " ?)?",
    ],
)
def test_a_cell_that_ipython_would_read_for_minutes_is_a_syntax_error(slow: str) -> None:
    source = read_notebook(notebook("!ls\n" + slow, "!ls\nx = 1")).source
    with pytest.raises(SyntaxError, match=r"too much text for its magics.*cell 1, line \d"):
        exec(source, {})
    assert source.endswith("# %% [cell 2]\nget_ipython().system('ls')\nx = 1\n")


@pytest.mark.parametrize(
    "line",
    [
        f"data = '{'x' * 40_000}'",
        f"data = [{', '.join(map(str, range(8_000)))}]",
        f'data = """\n{"A" * 40_000}\n""".strip()',
        f"if True: data = {'x' * 3!r} * 2  # {'long comment ' * 1_000}",
    ],
    ids=["string", "list", "lines of a string", "comment"],
)
@pytest.mark.parametrize("magic", ["%matplotlib inline", "%%time", "!pip install torch"])
def test_a_long_line_of_data_beside_a_magic_is_kept(line: str, magic: str) -> None:
    plain: dict[str, object] = {}
    exec(line, plain)
    namespace: dict[str, object] = {"get_ipython": Shell}
    exec(converted(f"{magic}\n{line}\nlength = len(data)"), namespace)
    assert namespace["data"] == plain["data"]


def test_the_cells_of_all_notebooks_share_one_budget_of_work() -> None:
    ipython, cell = IPythonSyntax(work=50_000), "!" + "x" * 90
    first, second = (read_notebook(notebook(cell), ipython).source for _ in range(2))
    assert "get_ipython()" in first and "raise SyntaxError" in second


def test_a_cell_of_many_magics_is_read_within_the_budget() -> None:
    source = read_notebook(notebook("%x\n" * 5_000), IPythonSyntax(work=5_000_000)).source
    assert "too much text for its magics" in source


@pytest.mark.parametrize(
    "cell",
    ["x = 1\ndef f(:\n  pass", "%magic\nfor", "return 3", "print 'hello'", "(" * 300, "a\0b"],
)
def test_a_cell_that_is_no_python_raises_its_syntax_error_when_it_runs(cell: str) -> None:
    source = read_notebook(notebook("good = 1", cell, "also = 2")).source
    first, broken, last = source.split("# %% [cell ")[1:]
    assert (first, last) == ("1]\ngood = 1\n", "3]\nalso = 2\n")
    code = broken.partition("\n")[2]
    assert code.count("\n") == cell.count("\n") + 1
    with pytest.raises(SyntaxError, match=r"\(cell 2, line \d+\)$"):
        exec(compile(code, "cell", "exec"), {})


def test_a_syntax_error_names_the_line_and_shows_it() -> None:
    with pytest.raises(SyntaxError) as error:
        exec(read_notebook(notebook("x = 1\ndef f(:\n  pass")).source, {})
    assert str(error.value) == "invalid syntax (cell 1, line 2)"
    assert (error.value.text, error.value.offset) == ("def f(:", 7)


def test_two_broken_cells_are_not_one_string() -> None:
    source = read_notebook(notebook('x = """', "y = 1", '"""', "z = 2")).source
    assert source.count("raise SyntaxError") == 2 and "\ny = 1\n" in source


@pytest.mark.parametrize("cell", ['d = {"a": 1}\nx = f"{d["a"]}"', "x = 1\n!ls\ntype X = int"])
def test_syntax_of_a_newer_python_is_left_to_the_python_that_runs_it(cell: str) -> None:
    code = read_as_it_is(notebook(cell)).source.partition("\n")[2]
    assert "raise SyntaxError" not in code and cell.split("\n")[-1] in code


@pytest.mark.parametrize(
    "cell", ["# %% [cell 9]", "# %% [cell x", "%% [cell 9]", "x=1\r# %% [cell 9]\ry=(", "'\ud800"]
)
def test_no_line_of_a_student_reads_like_a_marker(cell: str) -> None:
    source = read_notebook(notebook(cell)).source
    assert [line for line in source.splitlines() if line.startswith("# %% [cell")] == [
        "# %% [cell 1]"
    ]
    source.encode("utf-8")


def test_nesting_beyond_what_python_compiles_is_the_cells_own_error() -> None:
    for cell in ("x = " + "-" * 100_000 + "1", "x" + ".x" * 100_000, "x = " + "9" * 5_000):
        with pytest.raises(SyntaxError, match="cell 1"):
            exec(read_notebook(notebook(cell)).source, {})


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "nbformat"),
        ("{}", "nbformat"),
        ('{"nbformat": 5, "cells": []}', "'5'"),
        ('{"nbformat": true, "cells": []}', "nbformat"),
        ('{"nbformat": "\\u202e4", "cells": []}', "nbformat"),
        ('{"nbformat": 2, "worksheets": []}', "nbformat"),
        ('{"nbformat": 4}', "malformed"),
        ('{"nbformat": 4, "cells": 7}', "malformed"),
        ('{"nbformat": 4, "cells": [7]}', "malformed"),
        ('{"nbformat": 4, "cells": [{"cell_type": "code", "source": 7}]}', "malformed"),
        ('{"nbformat": 4, "cells": [{"cell_type": "code", "source": [[]]}]}', "malformed"),
        ('{"nbformat": 3, "worksheets": [{}]}', "malformed"),
        ("[" * 5_000 + "]" * 5_000, "nested too deeply"),
        ('{"nbformat": ' + "9" * 5_000 + "}", "not JSON"),
        ("[" * 3_000_001, "larger than"),
        (" " * (LARGEST_NOTEBOOK + 1), "larger than"),
        (notebook("x" * 500_001), "in one cell"),
        (notebook(*["x" * 400_001] * 5), "characters of code"),
        (notebook(*[""] * 20_001), "cells"),
    ],
)
def test_a_notebook_that_cannot_be_read_says_why(text: str, word: str) -> None:
    with pytest.raises(NotebookError, match=word) as error:
        read_notebook(text)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("version", [3, 4])
def test_what_nbformat_writes_is_read(version: int) -> None:
    v4: Any = nbformat.v4
    book = v4.new_notebook()
    book.cells = [v4.new_markdown_cell("(a) yes"), v4.new_code_cell("x = 1\nprint(x)")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = nbformat.writes(book, version=version)  # type: ignore[no-untyped-call]
    found = read_notebook(text)
    assert found.source == "# %% [cell 2]\nx = 1\nprint(x)\n"
    assert found.markdown == ("(a) yes",)


def test_an_old_notebook_keeps_its_headings() -> None:
    cell = {"cell_type": "heading", "level": 10**9, "source": ["Part a"]}
    found = read_notebook(json.dumps({"nbformat": 3, "worksheets": [{"cells": [cell]}]}))
    assert found.markdown == ("###### Part a",)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text(alphabet="%!?\\\n \t'\"#()[]{}=abx1:.,\0\r\ud800é", max_size=40), max_size=4)
)
def test_any_cell_becomes_source_that_compiles(cells: list[str]) -> None:
    source = read_notebook(notebook(*cells)).source
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `,1` calls a number
        compile(source.encode("utf-8"), "notebook", "exec")
    assert source.count("# %% [cell ") == len(cells)


@pytest.mark.parametrize("magic", ["writefile", "file"])
def test_a_cell_that_writes_a_file_does_so_when_it_runs(magic: str) -> None:
    content = "import torch\n%not a magic\n"
    first, *others = converted(f"%%{magic} -a net.py\n{content}").split("\n")
    assert first == CELL_MAGIC(magic, "-a net.py", content)
    assert others == ["", "", ""]
