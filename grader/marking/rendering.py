"""Renders a student's Markdown or LaTeX as safe HTML, with formulas as MathML.

Every tag in the output is written here or by markdown-it, which escapes HTML. Formulas are rebuilt
from a fixed list of MathML elements, whatever the converter makes of a hostile one. Links, pictures
and macros stay text, so nothing is fetched and nothing expands. An answer that is too long, or a
formula that takes too long, is shown as source.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from html import escape, unescape
from typing import Any
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin

from grader.text import plain

LONGEST = 30_000      # characters of an answer that are rendered
_FORMULA = 2_000      # characters of one formula
_FORMULAS = 20_000    # and of all in one answer
_ENVIRONMENTS = 50    # \begin{align} and their like
_SECONDS = 1.0        # for all formulas of an answer
_MACROS = re.compile(r"\\(?:def|gdef|edef|xdef|let|futurelet|(?:re)?newcommand|newenvironment)\b")


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ELEMENTS = _names(
    "math mrow mi mn mo ms mtext mspace msup msub msubsup mfrac msqrt mroot mover munder munderover"
    " mmultiscripts mprescripts none mtable mtr mtd mstyle mpadded mphantom menclose"
)
_ATTRIBUTES = _names(
    "display displaystyle scriptlevel mathvariant stretchy fence form accent accentunder separator"
    " symmetric movablelimits largeop lspace rspace linethickness columnalign rowspacing"
    " columnspacing notation minsize maxsize"
)
_VALUE = re.compile(r"[a-z -]{1,60}|-?\d{0,2}(?:\.\d{1,4})?(?:em|ex|px|pt|%)?(?: \d{1,2}em)*")

_COMMANDS = {
    "texttt": "code", "emph": "em", "textit": "em", "textsl": "em", "textbf": "strong",
    "underline": "u", "textsc": "span", "textrm": "span", "text": "span", "mbox": "span",
}  # fmt: skip
_COMMAND = re.compile(r"\\([a-z]+)\{([^{}\n]{0,400})\}")
_VERBATIM = re.compile(r"\\(?:verb|lstinline)\*?([|!+@/\"])([^\n]{0,400}?)\1")
_TEX_WORDS = (
    (re.compile(r"(?m)^[ \t]*\\item\b[ \t]*"), "\n- "),
    (re.compile(r"(?<![`\\])``([^`'\n]{1,300})''"), "\u201c\\1\u201d"),
)


def render(answer: str) -> str:
    """The HTML of an answer. Text longer than `LONGEST` is shown as source."""
    text = plain(answer, LONGEST)
    if len(answer) > LONGEST:
        return f"<pre>{escape(text)}</pre>"
    for pattern, replacement in _TEX_WORDS:
        text = pattern.sub(replacement, text)
    formulas = _Formulas()
    parser = (
        MarkdownIt("commonmark", {"html": False, "breaks": False})
        .enable("table")
        .disable(["link", "image", "autolink", "reference"])
        .use(dollarmath_plugin, renderer=formulas.dollars, allow_space=False, double_inline=True)
    )
    if text.count(r"\begin{") <= _ENVIRONMENTS:   # the plugin looks for the end of each
        parser.use(amsmath_plugin, renderer=formulas.display)
    parser.inline.ruler.before("escape", "tex_math", _tex_math)
    parser.inline.ruler.before("escape", "tex", _tex)
    for name, display in (("tex_inline", False), ("tex_display", True),
                          ("math_inline_double", True)):
        parser.add_render_rule(name, formulas.rule(display=display))
    return str(parser.render(text))


class _Formulas:
    """Converts the formulas of one answer, within limits on their total length and time."""

    def __init__(self) -> None:
        self._left = _FORMULAS
        self._until = time.monotonic() + _SECONDS

    def dollars(self, formula: str, options: dict[str, Any]) -> str:
        return self._mathml(formula, display=bool(options.get("display_mode")))

    def display(self, formula: str) -> str:
        return self._mathml(formula, display=True)

    def rule(self, *, display: bool) -> Callable[..., str]:
        def rendered(
            renderer: Any, tokens: Any, index: int, options: Any, environment: Any
        ) -> str:
            return self._mathml(tokens[index].content, display=display)

        return rendered

    def _mathml(self, formula: str, *, display: bool) -> str:
        """The formula as MathML, or its source if it is not understood or exceeds a limit."""
        written = f"<code class=\"formula\">{escape(formula.strip())}</code>"
        self._left -= len(formula)
        if len(formula) > _FORMULA or self._left < 0 or time.monotonic() > self._until:
            return written
        if _MACROS.search(formula):
            return written
        try:
            found = convert_to_element(formula, display="block" if display else "inline")
            return _rebuilt(found)
        except Exception:   # a dozen kinds of its own, and RecursionError
            return written


def _rebuilt(element: Element) -> str:
    """The element with known attributes only; unknown elements are replaced by their content."""
    inner = _text(element.text) + "".join(
        _rebuilt(child) + _text(child.tail) for child in element
    )
    name = element.tag.rpartition("}")[2]
    if name not in _ELEMENTS:
        return inner
    attributes = "".join(
        f' {key}="{value}"' for key, value in element.items()
        if key in _ATTRIBUTES and _VALUE.fullmatch(value)
    )
    return f"<{name}{attributes}>{inner}</{name}>"


def _text(text: str | None) -> str:
    """Escape a text in which the converter has written characters as entities."""
    return escape(unescape(text or ""))


def _tex_math(state: StateInline, silent: bool) -> bool:
    r"""`\(...\)` and `\[...\]`."""
    name, end = {r"\(": ("tex_inline", r"\)"), r"\[": ("tex_display", r"\]")}.get(
        state.src[state.pos : state.pos + 2], ("", "")
    )
    begin = state.pos + 2
    stop = state.src.find(end, begin, begin + _FORMULA) if end else -1
    if stop < 0:
        return False
    if not silent:
        state.push(name, "math", 0).content = state.src[begin:stop]
    state.pos = stop + 2
    return True


def _tex(state: StateInline, silent: bool) -> bool:
    r"""`\emph{...}`, `\verb|...|` and similar commands in prose."""
    found = _VERBATIM.match(state.src, state.pos)
    tag, text = ("code", found[2]) if found else ("", "")
    if not found:
        found = _COMMAND.match(state.src, state.pos)
        if not found or found[1] not in _COMMANDS:
            return False
        tag, text = _COMMANDS[found[1]], found[2]
    if not silent:
        if tag == "code":
            token = state.push("code_inline", "code", 0)
            token.content = re.sub(r"\\([_%&#$])", r"\1", text)
        else:
            state.push("tex_open", tag, 1)
            state.push("text", "", 0).content = text
            state.push("tex_close", tag, -1)
    state.pos = found.end()
    return True
