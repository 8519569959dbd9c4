"""Notebooks become source that runs, cell by cell, whatever is in them."""

from __future__ import annotations

import json
import warnings
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.submissions.notebook import LARGEST_NOTEBOOK, NotebookError, read_notebook


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
    assert found.markdown == ("# Hello",)


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


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%matplotlib inline\nx = 1", "pass  # %matplotlib inline\nx = 1"),
        ("!pip install it's \\\n  torch\nx = 1", "pass  # !pip install it's \\\n#   torch\nx = 1"),
        ("pip install torch\nx = 1", "pass  # pip install torch\nx = 1"),
        ("if True:\n    !ls\nx = 1", "if True:\n    pass  # !ls\nx = 1"),
        ("if True:\n\t%cd data", "if True:\n\tpass  # %cd data"),
        ("x = !ls\ny = 1", "x = None  # !ls\ny = 1"),
        ("    \nif 1:\n  a.b['c'] = %pwd", "    \nif 1:\n  a.b['c'] = None  # %pwd"),
        ("resnet18?\nx = 1", "pass  # resnet18?\nx = 1"),
        ("?nn.Module\nx = 1", "pass  # ?nn.Module\nx = 1"),
        ("x.y??", "pass  # x.y??"),
        ("%%time\nx = 1", "pass  # %%time\nx = 1"),
        ("# timing\n\n%%capture out\n%%time\nx = 1", None),
        ("%time model = fit()\nx = 1", "model = fit()\nx = 1"),
        ("%time\nx = 1", "pass  # %time\nx = 1"),
        ("%%bash\nls it's\n", "# %%bash\n# ls it's\n# "),
        ("%%html", "# %%html"),
        ('s = """\n%kept\n"""\n%gone', 's = """\n%kept\n"""\npass  # %gone'),
        ("s = '''it\n!kept'''\n!gone", "s = '''it\n!kept'''\npass  # !gone"),
        ("y = (5\n% 3)\n%gone", "y = (5\n% 3)\npass  # %gone"),
        ("y = 1 + \\\n2\n%gone", "y = 1 + \\\n2\npass  # %gone"),
        ("x = '#'  # it's (\n%gone", "x = '#'  # it's (\npass  # %gone"),
    ],
)
def test_what_only_ipython_understands_is_neutralised(cell: str, expected: str | None) -> None:
    code = converted(cell)
    assert code.count("\n") == cell.count("\n")
    if expected is not None:
        assert code == expected
    namespace: dict[str, Any] = {"fit": int, "a": None}
    if "x = 1" in code.replace("# x = 1", ""):
        exec(code, namespace)
        assert namespace["x"] == 1


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
    with pytest.raises(SyntaxError, match=r"^cell 2, line \d+: "):
        exec(compile(code, "cell", "exec"), {})


def test_a_syntax_error_names_the_line_and_shows_it() -> None:
    with pytest.raises(SyntaxError, match=r"cell 1, line 2: invalid syntax: def f\(:"):
        exec(read_notebook(notebook("x = 1\ndef f(:\n  pass")).source, {})


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
    compile(source.encode("utf-8"), "notebook", "exec")
    assert source.count("# %% [cell ") == len(cells)


def test_a_cell_that_writes_a_file_does_so_when_it_runs() -> None:
    code = converted("%%writefile -a net.py\nimport torch\n%not a magic\n")
    first, *others = code.split("\n")
    options, content = "-a net.py", "import torch\n%not a magic\n"
    call = f"get_ipython().run_cell_magic('writefile', {options!r}, {content!r})"
    assert first.startswith(f"{call}  # ")
    assert all(line.startswith("# ") for line in others)
