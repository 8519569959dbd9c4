"""IPython syntax in notebook cells, rewritten as Python by IPython's own transformer.

Magics, `!` lines, `?` help, prompts and indented cells become what Jupyter itself would run, such
as `get_ipython().system('ls')`. Nothing is executed here; in the sandbox `get_ipython` belongs to
`grader.worker.shims.notebooks`. Every line keeps its number, so that tracebacks name the right one.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.inputtransformer2 import TransformerManager

# Cell magics that run the rest of their cell as Python in the notebook's own namespace.
_TRANSPARENT = re.compile(r"(?:\s*%%(?:time|timeit|capture|prun|memit|debug|snakeviz)\b[^\n]*)+")
_TIMED = re.compile(
    r"""get_ipython\(\)\.run_line_magic\('time', ('(?:[^'\\]|\\.)+'|"(?:[^"\\]|\\.)+")\)"""
)
# IPython reads a cell anew for each magic in it. To read a line takes up to 200 ns times the square
# of its length, so this much is 20 seconds at worst. It suffices for a hundred magics in a cell of
# 500 ordinary lines. Longer lines that are Python by themselves, such as data, are kept from it.
_MOST_WORK = 100_000_000
_LONG = 1_000   # characters


class TooLong(ValueError):
    """A cell that IPython would take too long to read."""


class IPythonSyntax:
    """Rewrites the cells of one submission, whose work is bounded for all cells together."""

    def __init__(self, work: int = _MOST_WORK) -> None:
        self._work = work

    def to_python(self, cell: str) -> str:
        """Return the cell with IPython's syntax rewritten, in as many lines.

        Everything else stays as it is and need not be valid Python. Raises TooLong, nothing else.
        """
        from IPython.core.inputtransformer2 import TransformerManager

        lines, kept = _without_long_lines(_lines(without_transparent_magics(cell)))
        blank = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                code = self._transformed(lines[blank:], TransformerManager())
            except TooLong:
                raise
            except Exception:  # what IPython cannot read is for Python to complain about
                return cell
        missing = len(lines) - blank - len(code)
        python = "".join([*lines[:blank], *code, *["\n"] * missing])
        for name, line in kept.items():
            python = python.replace(name, line)
        return python if cell.endswith("\n") else python.removesuffix("\n")

    def _transformed(self, lines: list[str], manager: TransformerManager) -> list[str]:
        """Apply the steps of `TransformerManager.transform_cell` one at a time.

        A cell magic turns the whole cell into one line. Each later step replaces one statement by
        one line; blank lines fill up what it had more.
        """
        self._pay(lines)
        for transform in (*manager.cleanup_transforms, *manager.line_transforms):
            lines = transform(lines)
        lines = _lines("".join(lines))
        while True:
            self._pay(lines)
            changed, new = manager.do_one_token_transform(lines)
            if not changed:
                return lines
            pairs = enumerate(zip(lines, new, strict=False))
            place = next(number for number, (old, now) in pairs if old != now)
            new[place] = _TIMED.sub(_statement, new[place])
            new[place + 1 : place + 1] = ["\n"] * (len(lines) - len(new))
            lines = new

    def _pay(self, lines: Sequence[str]) -> None:
        work = sum((len(line) + 10) ** 2 for line in lines)
        if work > self._work:
            raise TooLong
        self._work -= work


def _lines(text: str) -> list[str]:
    """The lines as Python counts them, each with a line feed at its end."""
    return [f"{line}\n" for line in text.removesuffix("\n").split("\n")]


def without_transparent_magics(cell: str) -> str:
    """Blank `%%time` and similar magics at the top of a cell, and keep the code below them."""
    magics = _TRANSPARENT.match(cell)
    return "\n" * magics[0].count("\n") + cell[magics.end() :] if magics else cell


def _without_long_lines(lines: list[str]) -> tuple[list[str], dict[str, str]]:
    """Replace long lines that are Python by themselves with names; return both.

    A name stands for its line wherever the line belongs, in code or within a string.
    """
    stem = "_long_line"
    while any(stem in line for line in lines):
        stem += "_"
    kept: dict[str, str] = {}
    for number, line in enumerate(lines):
        code = line.strip()
        if len(code) > _LONG and _is_python(code):
            kept[f"{stem}{number}_"] = code
            lines[number] = line.replace(code, f"{stem}{number}_")
    return lines, kept


def _is_python(code: str) -> bool:
    try:
        ast.parse(code)
    except Exception:   # SyntaxError, or nested too deeply
        return False
    return True


def _statement(timed: re.Match[str]) -> str:
    """Return `fit()` for `%time fit()`, since it runs in the notebook's own namespace."""
    code = str(ast.literal_eval(timed[1])).strip()
    return timed[0] if code.startswith("-") else code
