"""Makes a converted notebook run although some of its cells are no Python.

The Python that runs the cells decides, and not the one that converted them, which may be older.
"""

from __future__ import annotations

import re
import warnings
from itertools import pairwise

CELL = re.compile(r"# %% \[cell (\d+)\]")
_LONGEST_TEXT = 200  # characters of a line that a message quotes


def runnable(text: str) -> str:
    """Return a notebook's source in as many lines, whose broken cells raise their SyntaxError."""
    lines = text.split("\n")
    starts = [index for index, line in enumerate(lines) if CELL.fullmatch(line)]
    for start, end in pairwise([*starts, len(lines)]):
        cell = "\n".join(lines[start + 1 : end])
        error = _error(cell)
        if error is None:
            continue
        name = lines[start].removeprefix("# %% [").removesuffix("]")
        quoted = error.text and error.text.rstrip()[:_LONGEST_TEXT]
        place = (name, error.lineno, error.offset, quoted)
        commented = cell.replace("\n", "\n# ")
        lines[start + 1 : end] = (
            f"raise SyntaxError({error.msg!r}, {place!r})  # {commented}".split("\n")
        )
    return "\n".join(lines)


def _error(source: str) -> SyntaxError | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a string is no mistake here
            compile(source, "<cell>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return error
    except Exception as error:  # nested too deeply, a number of 5,000 digits ...
        problem = f"Python can't compile it ({type(error).__name__}: {error})"
        return SyntaxError(problem, ("<cell>", 1, None, None))
    return None
