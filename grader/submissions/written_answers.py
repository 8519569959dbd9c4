r"""Splits written answers by part: `{"a": "Batch norm comes before ReLU.", "d": ""}`.

A part begins at a line that names it, in any of the usual ways: `(a)`, `a)`, `## (a)`, `**(a)**`,
`Part a:`, `Problem 1 (a)`, `1(a)`, `### 1.a`, and in LaTeX `\item[(a)]`, `\subsection*{(a)}`,
`\textbf{(a)}`, `\paragraph{Part a}`. In LaTeX without any of these, the items of an enumerate are
a, b, c in order. LaTeX is rewritten as Markdown first, so that one reader handles both.

A part that is blank, or has only the starter's placeholder, is "". A part that is not named is
missing. Parts of Problem 1, or of no problem by name, are "a", "b" and so on; those of Problem 2
are "2a", "2b".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_PROBLEM_IN_NAME = re.compile(
    r"(?<![a-z])(?:problem|prob|question|q|p)[ _-]?(\d{1,2})(?!\d)", re.IGNORECASE
)
_HEAD = 200  # characters of a line that may name a part
_PROBLEM = r"(?:problem|question|exercise|prob\.|ex\.|q)[ \t]*(?P<problem>\d{1,3})\b"
_LINE = re.compile(
    r"""
    [ ]{0,3} (?P<hashes>\#{1,6}(?=[ \t(]))? [ \t]* (?:[-*+][ \t]+)? (?P<strong>\*\*|__|\*|_)? [ \t]*
    """
    r"(?:(?:homework|assignment|hw)[ \t]*\d{1,3}[ \t]*[-.:,\u2013\u2014]?[ \t]*(?=prob|ques|exer|ex\.|q))?"
    rf"(?:{_PROBLEM} [ \t]* (?:(?P<stop>[-.:\u2013\u2014])|,)? [ \t]*)? (?P<rest>.*)",
    re.VERBOSE | re.IGNORECASE,
)
_MARKER = re.compile(
    r"""
      (?:part[ \t]*)? \((?P<bracketed>[a-z])\) [.:]?                          # (a)  Part (a):
    | (?P<number>\d{1,2}) [ \t]*[.]?[ \t]* \(?(?P<numbered>[a-z])[).](?!\w)   # 1a)  1(a)  1.a.
    | part[ \t]+(?P<part>[a-z])[ \t]* (?:[-).:\u2013\u2014] | (?=[*_]|$))     # Part a:
    | (?P<halved>[a-z])\)                                                     # a)
    | (?P<dotted>(?-i:[a-z]))\.(?=[\s*_]|$)                                   # a.  but not "e.g."
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Headings and bold text need less: "## a", "### 1.a", "## Part A The network".
_TITLE_MARKER = re.compile(
    r"""
      (?:(?P<number>\d{1,2})[ \t]*[.]?[ \t]*)? (?P<letter>[a-z])\b
      (?=[ \t]*(?:$|[-*_:.\u2013\u2014]))
    | part[ \t]+(?P<part>[a-z])\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
_FENCE = re.compile(r"[ ]{0,3}(```|~~~)")
_HTML_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_PLACEHOLDER = re.compile(
    r"""
      (?:please[ ])?(?:write|type|put|enter|insert|add|replace)\b .*
        \b(?:answer|solution|response)s?\b .*
    | your[ ](?:answer|solution|response)(?:[ ]goes)?(?:[ ]here)?
    | (?:answer|solution)[ ]?:?
    | (?:todo|tbd|fixme)\b .*
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LATEX_STYLE = re.compile(r"\\(?:textit|textbf|emph|textsl)\{")
# One level of braces inside braces: \subsection*{(a) \texttt{model.py}}
_ARGUMENT = r"\{((?:[^{}\n]|\{[^{}\n]*\})*)\}"
_LATEX_NAMES = (
    (rf"\\section\*?{_ARGUMENT}", r"\n# \1\n"),
    (rf"\\subsection\*?{_ARGUMENT}", r"\n## \1\n"),
    (rf"\\subsubsection\*?{_ARGUMENT}", r"\n### \1\n"),
    (rf"\\(?:sub)?paragraph\*?{_ARGUMENT}", r"\n**\1** "),
    (r"\\item[ \t]*\[(?:\\textbf\{)?([^\[\]{}\n]{0,80})\}?\]", r"\n**\1** "),
    (r"\\item[ \t]*(\([a-z]\))", r"\n**\1** "),
    (rf"(?m)^[ \t]{{0,20}}(?:\\noindent[ \t]?)?\\textbf{_ARGUMENT}", r"\n**\1** "),
    (r"(?m)^[ \t]{0,20}\{\\bf(?:series)?[ \t]([^{}\n]*)\}", r"\n**\1** "),
    (r"\\(?:begin|end)\{(?:verbatim|lstlisting|minted)\}[^\n]*", "\n```\n"),
    # Layout is not part of an answer.
    (r"\\(?:begin|end)\{(?:enumerate|itemize|description)\}(?:\[[^\]\n]{0,80}\])?", ""),
    (r"\\(?:newpage|clearpage|pagebreak|(?:big|med|small)skip|noindent|vfill)\b", ""),
    (r"\\[vh]space\*?\{[^{}\n]{0,20}\}", ""),
)


@dataclass
class _Reading:
    """The reader's position, and the lines of each part so far."""

    parts: dict[str, list[str]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    letter: str | None = None
    level: int = 7  # of the heading that began the part; 7 for no heading
    problem: str = ""  # its number; "" for Problem 1 and for none


def problem_in(name: str) -> str:
    """Return the number of the problem that a file is named after; "" for none and for 1."""
    found = _PROBLEM_IN_NAME.search(name)
    return _other_than_one(found[1]) if found else ""


def _other_than_one(number: str) -> str:
    return "" if int(number) == 1 else str(int(number))


def markdown_answers(
    texts: Iterable[str], problem: str = "", *, separate: bool = False
) -> dict[str, str]:
    """Return the answers in Markdown: one text, or the cells of a notebook in order.

    Args:
        texts: The texts, in order.
        problem: The number of the problem until a heading names another.
        separate: No answer goes on in the next text.
    """
    reading = _Reading(problem=problem)
    for text in texts:
        if separate:
            reading.letter = None
        fenced = False  # inside ``` ... ``` a "#" begins a comment, not a heading
        for line in [*_HTML_COMMENT.sub("", text).splitlines(), ""]:
            fenced ^= _FENCE.match(line) is not None
            if fenced or not _begins(line, reading):
                _take(line, reading)
    return {part: _text(reading.titles[part], lines) for part, lines in reading.parts.items()}


def latex_answers(text: str, problem: str = "") -> dict[str, str]:
    """Return the answers in a LaTeX file; `problem` as in `markdown_answers`."""
    text = re.sub(r"(?<!\\)%[^\n]*", "", text)
    text = text.partition(r"\begin{document}")[2] or text
    text = text.partition(r"\end{document}")[0]
    markdown = text
    for pattern, replacement in _LATEX_NAMES:
        markdown = re.sub(pattern, replacement, markdown)
    named = markdown_answers([markdown], problem)
    return named or {f"{problem}{part}": text for part, text in _enumerated(text).items()}


def merged(found: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return one answer per part from several files: the first that is not blank."""
    answers: dict[str, str] = {}
    for one in found:
        for part, text in one.items():
            answers[part] = answers.get(part) or text
    return dict(sorted(answers.items()))


def _begins(line: str, reading: _Reading) -> bool:
    """Return True if `line` begins a part, a problem or a section; note it in `reading`."""
    form = _LINE.match(line[:_HEAD])
    assert form is not None  # everything in it is optional
    hashes, strong, rest = form["hashes"], form["strong"], form["rest"]
    is_title = hashes is not None or strong in ("**", "__")
    level = len(hashes or "#######")
    marker = _MARKER.match(rest) or (_TITLE_MARKER.match(rest) if is_title else None)
    number = form["problem"] or (marker["number"] if marker else None)
    problem = _other_than_one(number) if number else reading.problem
    part = _part(marker, is_title, reading, problem) if marker else None
    heading = is_title or form["stop"] or not rest.strip(" \t.:*_")
    if number and (part or (form["problem"] and heading)):
        reading.problem = problem
        reading.letter = None
    elif part is None:
        ends = level <= reading.level < 7
        reading.letter = None if ends else reading.letter
        return ends
    if marker and part:
        after = rest[marker.end() :] + line[_HEAD:]
        title, answer = "", after
        if hashes:
            title, answer = after, ""
        elif strong:  # "**(a) Title** answer"
            title, _, answer = after.partition(strong)
        reading.letter, reading.level = reading.problem + part, level
        reading.parts.setdefault(reading.letter, [])
        reading.titles.setdefault(reading.letter, title.strip(" \t:*_"))
        _take(answer.strip(), reading)
    return True


def _part(
    marker: re.Match[str], is_title: bool, reading: _Reading, problem: str
) -> str | None:
    """Return the part of a problem that a marker names; None if it belongs to the prose."""
    part = next(text for name, text in marker.groupdict().items() if text and name != "number")
    part = part.lower()
    if part in "ivx" and problem + chr(ord(part) - 1) not in reading.parts:
        return None  # a Roman number within an answer
    # "(a)" at the start of a line may refer back to a part; a heading or bold type doesn't.
    return part if is_title or problem + part not in reading.parts else None


def _take(line: str, reading: _Reading) -> None:
    if reading.letter is not None:
        reading.parts[reading.letter].append(line)


def _text(title: str, lines: list[str]) -> str:
    """Return the answer with the part's title, since some write their answer into it."""
    written = any(_says_something(line) for line in lines)
    body = "\n".join(line for line in lines if not _is_placeholder(line)).strip()
    if _says_something(body):
        return "\n\n".join(filter(None, (title, body)))
    # The title alone may be the question or the answer. Doubt favours the student.
    return "" if written or title.endswith("?") or _is_placeholder(title) else title


def _says_something(text: str) -> bool:
    return any(map(str.isalnum, text))


def _is_placeholder(line: str) -> bool:
    words = _LATEX_STYLE.sub("", line[:_HEAD]).strip(" \t>*_[](){}.\u2026")
    return len(line) < _HEAD and _PLACEHOLDER.fullmatch(words) is not None


def _enumerated(text: str) -> dict[str, str]:
    """Return an enumerate's items as a, b, c; of nested lists, the level with more items."""
    levels: dict[int, list[str]] = {1: [], 2: []}
    closed: set[int] = set()  # only the first list of each level is read
    depth = 0
    for piece in re.split(r"(\\(?:begin|end)\{enumerate\}(?:\[[^\]\n]{0,80}\])?|\\item\b)", text):
        if piece.startswith(r"\begin{enumerate}"):
            depth += 1
        elif piece.startswith(r"\end{enumerate}"):
            closed.add(depth)
            depth -= 1
        elif piece == r"\item" and depth in levels and depth not in closed:
            levels[depth].append("")
        else:
            for level, items in levels.items():
                if items and level <= depth and level not in closed:
                    items[-1] += piece
    items = max(levels.values(), key=len)[:26]
    return {chr(ord("a") + n): _text("", item.splitlines()) for n, item in enumerate(items)}
