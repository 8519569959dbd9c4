"""Renders the student's page as HTML and as Markdown. No other module imports Jinja.

Text never becomes a template. Both languages escape what they print unless a template says
otherwise: HTML by Jinja's autoescape, Markdown by `markdown`, which is applied to every expression.
An instructor's templates replace ours file by file, and may extend ours as
`default/feedback.html.j2`.

If an escape ever fails, the page's content-security policy still holds: it allows no script, no
address, and only the one style whose hash it names. An instructor's styles belong in the block
`style`; a style attribute has no effect.
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
from grader.reports.student import plots
from grader.reports.student.learning_curves import draw_rates, tabulate_rates
from grader.reports.student.mode_strips import draw_legend, draw_strip
from grader.reports.student.page import make_page, number, numeric_columns
from grader.reports.student.sections import first_sentence
from grader.reports.student.status_words import STATUS_SYMBOLS, STATUS_WORDS
from grader.reports.student.training_run import tabulate_stretches, tell_modes
from grader.rubric.local_time import moment

_OURS = Path(__file__).parent / "templates"

# Characters that some dialect of Markdown gives a meaning anywhere in a line.
_ACTIVE = re.compile(r"[\\`*_{}\[\]<>#|~$&^=]|\.(?=[^\W\d_])|:(?=[^\s\d])")
# `code`, where characters have no meaning. Tables and site generators read some even there, so code
# with those is not recognized.
_CODE = re.compile(r"((?<!`)`[^`|{}\n]+`(?!`))")
# Characters with a meaning at the start of a line: a list, a rule, a numbered list.
_LEADING = re.compile(r"^(?=[-+])|^\d+(?=[.)](?:\s|$))")
# Renderers turn bare addresses into links after they have undone escapes. A word joiner is
# invisible and not part of any address.
_JOINER = "\N{WORD JOINER}"
_ADDRESS = re.compile(r"(?i)(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)")


_HELPERS = {
    "first_sentence": first_sentence,
    "moment": moment,
    "number": number,
    "numeric_columns": numeric_columns,
    "tabulate": plots.tabulate,
    "tabulate_rates": tabulate_rates,
    "tabulate_stretches": tabulate_stretches,
    "tell_modes": tell_modes,
}


class PictureStore(Protocol):
    """Panels drawn earlier, by a digest of the data that they show."""

    def of(self, key: str) -> tuple[str, ...] | None: ...

    def put(self, key: str, panels: tuple[str, ...]) -> None: ...


@dataclass(frozen=True)
class RenderedPage:
    """One student's page in both languages."""

    html: str
    markdown: str


class Renderer:
    """Renders pages; templates are compiled once.

    Args:
        templates: a folder of an instructor's templates, which replace ours file by file.
        pictures: plots found here are not drawn again.
    """

    def __init__(
        self,
        templates: Path | None = None,
        pictures: PictureStore | None = None,
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
            "draw_rates": drawn(pictures, draw_rates),
            "draw_strip": lambda phases: _markup(draw_strip(phases)),
            "draw_legend": lambda: [(Markup(svg), words) for svg, words in draw_legend()],
            "code": _code,
            "digest": _digest,
        }
        self._markdown.globals |= {**_HELPERS, "fence": fence, "cell": cell}

    def render(
        self, grade: Grade, rubric_title: str, now: datetime, due: datetime | None = None
    ) -> RenderedPage:
        """The page that the student may see at `now`. Raises UsageError for a faulty template."""
        page = make_page(grade, rubric_title, now, due)
        # Templates that instructors wrote may use the page's older name, `sheet`.
        values = {"page": page, "sheet": page, "words": STATUS_WORDS, "symbols": STATUS_SYMBOLS}
        try:
            return RenderedPage(
                html=self._html.get_template("feedback.html.j2").render(values),
                markdown=self._markdown.get_template("feedback.md.j2").render(values),
            )
        except TemplateError as error:
            where = getattr(error, "filename", None) or self._where
            line = getattr(error, "lineno", None)
            raise UsageError(f"{where}{f':{line}' if line else ''}: {error}") from error


def render_page(template: str, folder: Path = _OURS, **values: Any) -> str:
    """Render an HTML page that is not a student's, such as the class report.

    The same policy applies: no address, and only a script whose hash it names.

    Args:
        template: a file in `folder`. It may include files of `folder` and of our own templates.
        values: the template's variables.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, _OURS]), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, autoescape=True,
    )  # fmt: skip
    environment.globals |= {"code": _code, "digest": _digest, "numeric_columns": numeric_columns}
    return environment.get_template(template).render(**values)


def markdown(text: str) -> Markup:
    """Escape a text for Markdown, so that nothing in it becomes a link, HTML, a list or a table."""
    lines = [_markdown_line(line.strip()) for line in text.splitlines() if line.strip()]
    return Markup("\\\n".join(lines))


def cell(text: str) -> Markup:
    """Escape a text for a table cell, on one line."""
    return markdown(" ".join(text.split()))


def fence(text: str) -> Markup:
    """A block of code, fenced by more backticks than occur inside."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return Markup(f"{ticks}text\n{text}\n{ticks}")


def _markdown_line(line: str) -> str:
    pieces = _CODE.split(line)  # text, code, text, code, ..., text
    pieces[::2] = [_ACTIVE.sub(_escaped, _ADDRESS.sub(_JOINER, piece)) for piece in pieces[::2]]
    return _LEADING.sub(lambda found: f"{found[0]}\\", "".join(pieces))


def _escaped(found: re.Match[str]) -> str:
    # A function is faster than a replacement string.
    return f"\\{found[0]}"


def _finalize(value: Any) -> str:
    return value if isinstance(value, Markup) else markdown(str(value))


def drawn(
    pictures: PictureStore | None, draw: Callable[[Any], tuple[str, ...]]
) -> Callable[[Any], tuple[Markup, ...]]:
    """A function like `draw` that takes panels drawn earlier from `pictures`."""

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
    """The hash by which a content-security policy names a style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _code(text: str) -> Markup:
    """Escape a text for HTML and set `words between backticks` as code."""
    escaped = escape(text)
    if "`" not in escaped:
        return escaped
    return Markup(re.sub(r"(?<!`)`([^`\n]+)`(?!`)", r"<code>\1</code>", str(escaped)))
