"""Grade -> the student's page, as HTML and as Markdown. The only module that knows Jinja.

Text is never a template, and both languages escape what is printed unless a template says
otherwise: HTML through Jinja's autoescape, Markdown through `markdown`, which is applied to every
expression. An instructor's templates stand before ours, file by file, and may extend ours as
`default/feedback.html.j2`.

Should an escape fail one day, the page's content-security policy holds: it allows no script, no
address, and of styles only the one whose hash it names. An instructor's own belong into the block
`style`; an attribute would have no effect.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateError,
)
from markupsafe import Markup, escape

from grader.errors import UsageError
from grader.records import Grade
from grader.reports.student import (
    learning_curves as curves,
)
from grader.reports.student import (
    mode_strips as strips,
)
from grader.reports.student import (
    plots,
)
from grader.reports.student import (
    training_run as watched,
)
from grader.reports.student.page import make_sheet, number, numeric_columns
from grader.reports.student.status_words import STATUS_SYMBOLS, STATUS_WORDS
from grader.rubric.local_time import moment

_OURS = Path(__file__).parent / "templates"

# What means something anywhere in a line, in one dialect of Markdown or another.
_ACTIVE = re.compile(r"[\\`*_{}\[\]<>#|~$&^=]|\.(?=[^\W\d_])|:(?=[^\s\d])")
# `code`, where nothing means anything; what tables and site generators read even there is left out.
_CODE = re.compile(r"((?<!`)`[^`|{}\n]+`(?!`))")
# What means something at the start of a line: a list, a rule, a numbered list.
_LEADING = re.compile(r"^(?=[-+])|^\d+(?=[.)](?:\s|$))")
# Renderers make links of bare addresses, after escapes are undone; a word joiner is invisible
# and belongs to no address.
_JOINER = "\N{WORD JOINER}"
_ADDRESS = re.compile(r"(?i)(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)")


_HELPERS = {
    "moment": moment,
    "number": number,
    "numeric_columns": numeric_columns,
    "tabulate": plots.tabulate,
    "tabulate_rates": curves.tabulate_rates,
    "tabulate_stretches": watched.tabulate_stretches,
    "tell_modes": watched.tell_modes,
}


class Pictures(Protocol):
    """What was drawn before, by a digest of what is drawn."""

    def of(self, key: str) -> tuple[str, ...] | None: ...

    def put(self, key: str, panels: tuple[str, ...]) -> None: ...


@dataclass(frozen=True)
class Pages:
    html: str
    markdown: str


class Renderer:
    """Makes pages; templates are compiled once, and what `pictures` holds by a digest of what is
    drawn is not drawn again. An instructor's `templates` stand before ours, file by file.
    """

    def __init__(
        self,
        templates: Path | None = None,
        pictures: Pictures | None = None,
    ) -> None:
        self._where = templates or _OURS
        ours = FileSystemLoader(_OURS)
        own = [FileSystemLoader(templates)] if templates is not None else []
        loaders = ChoiceLoader([*own, ours, PrefixLoader({"default": ours})])
        self._html = Environment(
            loader=loaders, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
            autoescape=True, auto_reload=False,
        )  # fmt: skip
        self._markdown = Environment(
            loader=loaders, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
            finalize=_finalize, auto_reload=False,
        )  # fmt: skip
        self._html.globals |= {
            **_HELPERS,
            "draw": drawn(pictures, plots.draw),
            "draw_rates": drawn(pictures, curves.draw_rates),
            "draw_strip": lambda stretches: _markup(strips.draw_strip(stretches)),
            "draw_legend": lambda: [(Markup(svg), words) for svg, words in strips.draw_legend()],
            "code": _code,
            "digest": _digest,
        }
        self._markdown.globals |= {**_HELPERS, "fence": fence, "cell": cell}

    def render(
        self, grade: Grade, rubric_title: str, now: datetime, due: datetime | None = None
    ) -> Pages:
        """What this student may see at `now`. Raises UsageError when a template is at fault."""
        sheet = make_sheet(grade, rubric_title, now, due)
        words = {"words": STATUS_WORDS, "symbols": STATUS_SYMBOLS}
        try:
            return Pages(
                html=self._html.get_template("feedback.html.j2").render(sheet=sheet, **words),
                markdown=self._markdown.get_template("feedback.md.j2").render(sheet=sheet, **words),
            )
        except TemplateError as error:
            where = getattr(error, "filename", None) or self._where
            line = getattr(error, "lineno", None)
            raise UsageError(f"{where}{f':{line}' if line else ''}: {error}") from error


def render_page(template: str, folder: Path = _OURS, **values: Any) -> str:
    """A page of ours in HTML that is no student's, by the same policy: no address, and no script
    but one whose hash it names. It may include what is in `folder` and what students' pages do."""
    environment = Environment(
        loader=FileSystemLoader([folder, _OURS]), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, autoescape=True,
    )  # fmt: skip
    environment.globals |= {"code": _code, "digest": _digest, "numeric_columns": numeric_columns}
    return environment.get_template(template).render(**values)


def markdown(text: str) -> Markup:
    """The text as it stands, in Markdown: no emphasis, link, picture, HTML, list or table in it."""
    lines = [_markdown_line(line.strip()) for line in text.splitlines() if line.strip()]
    return Markup("\\\n".join(lines))


def cell(text: str) -> Markup:
    """The same on one line, as a table's cell has to be."""
    return markdown(" ".join(text.split()))


def fence(text: str) -> Markup:
    """A block of code with more backticks around it than anywhere inside."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return Markup(f"{ticks}text\n{text}\n{ticks}")


def _markdown_line(line: str) -> str:
    pieces = _CODE.split(line)  # text, code, text, code, ..., text
    pieces[::2] = [_ACTIVE.sub(_escaped, _ADDRESS.sub(_JOINER, piece)) for piece in pieces[::2]]
    return _LEADING.sub(lambda found: f"{found[0]}\\", "".join(pieces))


def _escaped(found: re.Match[str]) -> str:
    # A function, since Python takes its time over a template, also where there is nothing to do.
    return f"\\{found[0]}"


def _finalize(value: Any) -> str:
    return value if isinstance(value, Markup) else markdown(str(value))


def drawn(
    pictures: Pictures | None, draw: Callable[[Any], tuple[str, ...]]
) -> Callable[[Any], tuple[Markup, ...]]:
    """The same as `draw`, with what it has drawn before from `pictures`, where there are some."""

    def panels_of(subject: Any) -> tuple[Markup, ...]:
        if pictures is None:
            return _markup(draw(subject))
        key = hashlib.sha256(f"{draw.__name__} {subject!r}".encode()).hexdigest()
        panels = pictures.of(key)
        if panels is None:
            panels = draw(subject)
            pictures.put(key, panels)
        return _markup(panels)

    return panels_of


def _markup(drawn: Iterable[str]) -> tuple[Markup, ...]:
    return tuple(map(Markup, drawn))


def _digest(style: str) -> str:
    """As a content-security policy names a style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _code(text: str) -> Markup:
    """HTML in which `words between backticks` are set as code."""
    escaped = escape(text)
    if "`" not in escaped:
        return escaped
    return Markup(re.sub(r"(?<!`)`([^`\n]+)`(?!`)", r"<code>\1</code>", str(escaped)))
