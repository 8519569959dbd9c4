"""`.ipynb` -> Python source that runs as a script, and the texts of its Markdown cells.

The source is made of the code cells in order. Each starts with a line of its own, exactly

    # %% [cell N]

where N is the cell's place among all cells (code, Markdown and raw), counted from 1 as Jupyter
shows them from top to bottom. The cell's code follows; its first line is line 1 of that cell. No
other line of the source begins like a marker. Lines end with a line feed and nothing else.

A cell that is Python already stays as it is. Else what only IPython understands is neutralised
line by line, so that line numbers stay; and if that is not Python either, the cell becomes one that
raises the SyntaxError when it is run, and the cells before and after it are none the worse.
Outputs, cell ids, tags and kernels are ignored.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LARGEST_NOTEBOOK = 50_000_000  # bytes
_LARGEST_CODE = 2_000_000  # characters, all cells together
_LARGEST_CELL = 500_000  # characters; to compile them takes a thousand times as many bytes
_MOST_CELLS = 20_000
_MOST_NODES = 3_000_000  # values of all kinds: each takes memory, however short its text

_MARKER = re.compile(r"^# (?=%% \[cell )", re.MULTILINE)
_INDENT = re.compile(r"[ \t]*")
# Cell magics that run the rest of their cell as Python in the notebook's own namespace.
_TRANSPARENT = frozenset({"time", "timeit", "capture", "prun", "memit", "debug", "snakeviz"})
# Cell magics that write the rest of their cell to a file, which later cells may import.
_WRITING = frozenset({"writefile", "file"})
_ASSIGNED = re.compile(r"(?P<target>[ \t]*[A-Za-z_][\w.]*(?:\[[^\]\n]*\])?[ \t]*=)[ \t]*[!%]")
_TIMED = re.compile(r"(?P<indent>[ \t]*)%time[ \t]+(?P<code>[^\s-].*)", re.DOTALL)
_ESCAPED = re.compile(
    r"[ \t]*(?:[%!?]"  # a magic, a shell line, help
    r"|(?:pip3?|conda|mamba)[ \t]+install\b"  # which IPython runs without its %
    r"|[\w.%*]+\?{1,2}[ \t]*$)",  # name? and name??
    re.MULTILINE,
)
_LEXEME = re.compile(
    r'''
      \#[^\n]*
    | """(?:\\.|[^\\])*?(?:"""|\Z) | \'\'\'(?:\\.|[^\\])*?(?:\'\'\'|\Z)
    | "(?:\\.|[^"\\\n])*"? | '(?:\\.|[^'\\\n])*'?
    | \\\n | (?P<open>[\[({]) | (?P<close>[\])}]) | (?P<end>\n)
    | [^\#"'\[\](){}\\\n]+ | .
    ''',
    re.VERBOSE | re.DOTALL,
)


class NotebookError(ValueError):
    """A notebook that can't be read; the text says why, for the student."""


@dataclass(frozen=True)
class Notebook:
    source: str
    markdown: tuple[str, ...]


def read_notebook(text: str) -> Notebook:
    """Convert the contents of an `.ipynb` file; raises NotebookError, and nothing else."""
    try:
        cells = list(_cells(text))
    except NotebookError:
        raise
    except RecursionError:
        raise NotebookError("the notebook is nested too deeply") from None
    except Exception as error:  # fields of any type where others belong: AttributeError and so on
        raise NotebookError(
            f"the notebook is malformed ({type(error).__name__}); save it again in Jupyter"
        ) from error
    code = [source for kind, source in cells if kind == "code"]
    if sum(map(len, code)) > _LARGEST_CODE or max(map(len, code), default=0) > _LARGEST_CELL:
        raise NotebookError(
            f"the notebook holds more than {_LARGEST_CODE:,} characters of code, or more than "
            f"{_LARGEST_CELL:,} in one cell; keep data in a file of its own"
        )
    marked = [
        # A marker that the student wrote becomes an ordinary comment.
        f"# %% [cell {number}]\n" + _MARKER.sub("#  ", _runnable(source, number)) + "\n"
        for number, (kind, source) in enumerate(cells, start=1)
        if kind == "code"
    ]
    return Notebook("".join(marked), tuple(source for kind, source in cells if kind == "markdown"))


def _cells(text: str) -> Iterator[tuple[str, str]]:
    """(kind, source) of every cell, in the format's version 4 whatever the file's own is."""
    from nbformat import convert, reader

    if len(text) > LARGEST_NOTEBOOK or sum(map(text.count, "[{,")) > _MOST_NODES:
        raise NotebookError(
            f"the notebook is larger than {LARGEST_NOTEBOOK // 1_000_000} MB or as good as that; "
            "clear its outputs and save it again"
        )
    try:
        notebook = json.loads(text)
    except ValueError as error:
        raise NotebookError(f"the notebook is not JSON ({str(error)[:80]})") from error
    version = notebook.get("nbformat") if isinstance(notebook, dict) else None
    if type(version) is not int or version not in (3, 4):
        raise NotebookError(
            f"the notebook's 'nbformat' is {str(version)[:20]!r}, expected 4 (or the old 3); "
            "save it again in Jupyter"
        )
    # Version 3 had pages of cells, of which nbformat keeps the first.
    pages = [notebook] if version == 4 else notebook["worksheets"]
    cells = [_bare(cell, version) for page in pages for cell in page["cells"]]
    if len(cells) > _MOST_CELLS:
        raise NotebookError(f"the notebook has more than {_MOST_CELLS:,} cells")
    bare = {"nbformat": version, "nbformat_minor": 0, "metadata": {}}
    bare |= {"cells": cells} if version == 4 else {"worksheets": [{"cells": cells}]}
    # `reader.reads` and not `nbformat.reads`, which would complain of missing fields in our output.
    converted: Any = convert(reader.reads(json.dumps(bare)), 4)  # type: ignore[no-untyped-call]  # nbformat is untyped here
    for cell in converted.cells:
        yield str(cell.cell_type), _clean(cell.source)


def _bare(cell: dict[str, Any], version: int) -> dict[str, Any]:
    """A cell with nothing but its text: nbformat copies, checks and logs all that it is given."""
    kind, level = cell["cell_type"], cell.get("level", 1)
    text = cell["input" if kind == "code" and "input" in cell else "source"]
    text = text if isinstance(text, str) else "".join(text)
    if kind == "code":
        field = "input" if version == 3 else "source"
        return {"cell_type": kind, "metadata": {}, "outputs": [], field: text}
    if kind == "heading":
        level = max(1, min(int(level), 6))
        return {"cell_type": kind, "metadata": {}, "level": level, "source": text}
    # Of the kinds that hold text only Markdown is read.
    kind = "markdown" if kind in ("markdown", "html") else "raw"
    return {"cell_type": kind, "metadata": {}, "source": text}


def _clean(source: str) -> str:
    """Line ends as Python itself reads them; no character that a file or Python would refuse."""
    source = source.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    return source.encode("utf-8", "replace").decode("utf-8")


def _runnable(source: str, number: int) -> str:
    if _syntax_error(source) is None:
        return source
    plain = _without_ipython(source)
    error = _syntax_error(plain)
    if error is None:
        return plain
    return f"raise SyntaxError({f'cell {number}, {error}'!r})  " + _all_comments(source)


def _syntax_error(source: str) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a string is no mistake here
            compile(source, "<cell>", "exec", dont_inherit=True)
    except SyntaxError as error:
        where = f"line {error.lineno}: {error.msg}"
        return f"{where}: {error.text.strip()[:80]}" if error.text else where
    except Exception as error:  # nested too deeply, a number of 5,000 digits ...
        return f"line 1: Python can't compile it ({type(error).__name__}: {error})"
    return None


def _without_ipython(source: str) -> str:
    lines = list(_logical_lines(source))
    # Only the first line that says anything can be a cell magic, and one may follow another.
    for index, line in enumerate(lines):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not line.startswith("%%"):
            break
        words = line[2:].split(maxsplit=1)
        if len(words) == 2 and words[0] in _WRITING:
            return _writing(words[1].strip(), "".join(lines[index + 1 :]), source)
        if not words or words[0] not in _TRANSPARENT:
            return _all_comments(source)
        lines[index] = _commented(line)
    return "".join(_plain(line) for line in lines)


def _writing(options: str, content: str, source: str) -> str:
    """A cell that writes a file, on one line, as IPython itself would convert it."""
    call = f"get_ipython().run_cell_magic('writefile', {options!r}, {content!r})"
    return f"{call}  {_all_comments(source)}"


def _all_comments(source: str) -> str:
    return "# " + source.replace("\n", "\n# ")


def _plain(line: str) -> str:
    """One logical line without IPython's syntax, over as many physical lines as before."""
    if timed := _TIMED.match(line):
        return timed["indent"] + timed["code"]
    if assigned := _ASSIGNED.match(line):
        rest = line[assigned.end("target") :].lstrip()
        return _commented(rest, f"{assigned['target']} None")
    return _commented(line) if _ESCAPED.match(line) else line


def _commented(line: str, instead: str | None = None) -> str:
    indent = _INDENT.match(line)
    before = (indent[0] if indent else "") + "pass" if instead is None else instead
    return f"{before}  # " + line.strip(" \t").replace("\\\n", "\\\n# ")


def _logical_lines(source: str) -> Iterator[str]:
    """Split where a new statement may begin: not inside a string or a bracket.

    There a line that starts with % is a remainder or a text, not a magic. A line that only IPython
    understands is taken up to its end first, since what it quotes is not Python's.
    """
    start = position = 0
    while start < len(source):
        depth = 0
        escaped = _ESCAPED.match(source, start) or _ASSIGNED.match(source, start)
        while position < len(source):
            if escaped:
                end = source.find("\n", position)
                position = len(source) if end < 0 else end + 1
                if source[position - 2 : position] == "\\\n":
                    continue
                break
            lexeme = _LEXEME.match(source, position)
            assert lexeme is not None  # its last alternative takes any character
            position = lexeme.end()
            depth += (lexeme["open"] is not None) - (lexeme["close"] is not None)
            if lexeme["end"] is not None and depth <= 0:
                break
        yield source[start:position]
        start = position
