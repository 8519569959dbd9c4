"""Answers are rendered as their authors meant them, and do no harm if they meant any."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest

from grader.marking.rendering import LONGEST, render
from tests.marking.classroom import HOSTILE

TAGS = {
    "p", "em", "strong", "code", "pre", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th",
    "td", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "br", "div", "span", "u", "math",
    "mrow", "mi", "mn", "mo", "mtext", "mspace", "msub", "msup", "msubsup", "mfrac", "msqrt",
    "mroot", "mover", "munder", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded",
    "mphantom", "menclose",
}  # fmt: skip
ATTRIBUTES = {
    "class", "display", "start", "columnalign", "displaystyle", "rowspacing", "columnspacing",
    "stretchy", "fence", "form", "accent", "mathvariant", "movablelimits", "linethickness", "style",
}  # fmt: skip


class _Reader(HTMLParser):
    """Holds every tag and attribute to what may be there."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        for name, value in attrs:
            assert name in ATTRIBUTES, name
            assert name != "style" or value in ("text-align:left", "text-align:right"), value


def safe(text: str) -> str:
    html = render(text)
    _Reader().feed(html)
    return html


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (r"Right *before* the ReLU, `model.eval()`.", ["<em>before</em>", "<code>model.eval()"]),
        (r"\emph{before}, \textbf{after}, \texttt{a\_b}, \verb|train()|",
         ["<em>before</em>", "<strong>after</strong>", "<code>a_b</code>", "<code>train()</code>"]),
        (r"$\mu_B, \sigma_B$", ["<msub><mi>μ</mi><mi>B</mi></msub>"]),
        (r"\(a < b\)", ["<mo>&lt;</mo>", 'display="inline"']),
        ("so\n\\[ \\hat{x} = \\frac{x - \\mu_B}{\\sqrt{\\sigma_B^2 + \\epsilon}}, \\]\nand",
         ["<mfrac>", "<msqrt>", 'display="block"', "and"]),
        ("$$E = mc^2$$", ["<msup><mi>c</mi><mn>2</mn></msup>"]),
        ("\\begin{align*} a &= b \\\\ c &= d \\end{align*}", ["<mtable", "<mtd"]),
        ("\\item one\n\\item two", ["<li>", "one", "two"]),
        ("```python\nmodel.eval()\n```", ["<pre>", "model.eval()"]),
        ("|a|b|\n|-|-:|\n|1|2|", ["<table>", "<td>1</td>"]),
        ("It costs $5 and then $6.", ["$5 and then $6"]),
        ("`\\(a\\)` is code", [r"<code>\(a\)</code>"]),
    ],
)
def test_what_students_write_is_rendered(text: str, parts: list[str]) -> None:
    html = safe(text)
    assert [part for part in parts if part not in html] == []


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        "<script>alert(1)</script>",
        "<math><mtext><img src=x onerror=alert(1)></mtext></math>",
        r"$\text{</math><img src=x onerror=alert(1)>}$",
        r"$\text{&lt;img src=x onerror=alert(1)&gt;}$",
        r"$\class{a\" onclick=\"alert(1)}{y}$ $\href{javascript:alert(1)}{x}$ $\style{top:0}{y}$",
        r"$\unicode{x3c}img src=x onerror=alert(1)\unicode{x3e}$",
        r"$\hspace{99999em}\rule{99999em}{99999em}$ $\color{red}x$",
        "[x](javascript:alert(1)) ![x](http://192.0.2.1) <http://192.0.2.1> [y]\n\n[y]: http://z",
        "```\"><script>alert(1)</script>\nx\n```",
        r"\texttt{<script>} \emph{<b onclick=x>} \verb|<i>|",
    ],
)
def test_no_tag_of_a_student_s_gets_through(text: str) -> None:
    html = safe(text)
    assert "<script" not in html
    assert "<img" not in html
    assert "javascript:alert(1)" not in html or "](javascript" in html, "as text, not in a link"


@pytest.mark.parametrize(
    "text",
    [
        "$" + "{" * 1900 + "}" * 1900 + "$", "$" + r"\frac{1}{" * 300 + "}" * 300 + "$",
        "$^$" * 900,
        r"$\newcommand{\a}{\b\b}\newcommand{\b}{\c\c}\newcommand{\c}{\d\d}\a$",
        r"$\def\a{\a\a}\a$", "\\(" * 14_000, "\\[" * 14_000, r"\emph{" * 5_000, r"\verb|" * 5_000,
        "\\begin{align}\nx\n" * 1_800, "$x^2$ " * 5_000, "*" * 29_000, "[" * 29_000, "`" * 29_000,
        ">" * 29_000, "- " * 14_000, "|a" * 14_000 + "\n" + "|-" * 14_000, "``a" * 9_000,
        "\\item\n" * 5_000, "$$\n" * 9_000, "\\" * 29_000,
        "$" + "&" * 1_900 + "$\n\n$" + "'" * 1_900 + "$",
    ],
    ids=lambda text: str(text[:14]).strip(),
)
def test_no_answer_takes_long(text: str) -> None:
    began = time.process_time()   # however busy the machine is
    safe(text)
    assert time.process_time() - began < 1.8


def test_macros_are_shown_as_they_were_written() -> None:
    assert "newcommand" in safe(r"$\newcommand{\a}{\b\b}\a$")


def test_a_formula_that_nobody_understands_is_shown_as_it_was_written() -> None:
    assert safe("$x_1_2$").count('<code class="formula">x_1_2</code>') == 1


def test_an_answer_that_is_too_long_is_shown_as_it_was_written() -> None:
    html = safe("*a* " * LONGEST)
    assert html.startswith("<pre>*a* ")


def test_more_environments_than_anybody_writes_stay_as_they_were_written() -> None:
    """Whoever looks for the end of each looks for long."""
    one = "\\begin{align}\na &= b\n\\end{align}\n\n"
    assert "<mtable" in safe(one)
    assert "<mtable" not in safe(one * 60)
