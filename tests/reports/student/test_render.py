"""A student's page in HTML and Markdown: what it shows, what it withholds, and its limits."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from grader.errors import UsageError
from grader.records import Caution, Figure, Grade, Phase, Status, TrainingRun
from grader.reports.student.page import make_page
from grader.reports.student.render import RenderedPage, Renderer, markdown
from tests.factories import criterion_grade, grade
from tests.reports.student.sample_grade import (
    DUE,
    GROUPS,
    HOSTILE,
    LONG_AFTER,
    MATRIX,
    NOW,
    hostile_grade,
    png,
    rich_grade,
)

TITLE = "Homework 2: residual networks"
CSP = (
    "default-src 'none'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'"
)
PICTURE = r"data:image/png;base64,[A-Za-z0-9+/]+=*"
OUR_TAGS = frozenset(
    ("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section",
     "div", "h1", "h2", "h3", "p", "a", "bdi", "strong", "small", "span", "code", "pre", "ul",
     "ol", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td",
     "figure", "figcaption", "img", "details", "summary",
     "svg", "g", "defs", "path", "use", "text", "clippath", "rect")
)  # fmt: skip


HARMLESS = frozenset(
    ("paragraph_open", "paragraph_close", "inline", "text", "text_special", "hardbreak",
     "softbreak", "code_inline")
)  # fmt: skip


class Page(HTMLParser):
    """Every element of a page with its attributes, as a browser's tokenizer sees them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def pages(of: Grade, **times: object) -> RenderedPage:
    templates = times.pop("templates", None)
    return Renderer(templates).render(  # type: ignore[arg-type]
        of, TITLE, **{"now": NOW, "due": DUE, **times}  # type: ignore[arg-type]
    )


def policy_of(html: str) -> str:
    """The policy that a page needs, with the hash of its style as a browser takes it."""
    (style,) = re.findall(r"(?s)<style>(.*?)</style>", html)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return CSP.format(f"sha256-{digest}")


def tokens_of(text: str) -> list[Token]:
    parsed = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    return [inner for token in parsed for inner in (token, *(token.children or ()))]


def test_both_pages_tell_what_was_asked_what_was_found_and_what_to_do_next() -> None:
    both = pages(rich_grade())
    for text in (both.html, both.markdown.replace("\\", "")):
        assert "Ada Lovelace" in text
        assert TITLE in text
        assert "26.37" in text
        assert "after a late penalty of 2.93" in text
        assert "separates its parameters into" in text
        assert "1,792 elements of batch norm" in text
        assert "11,678,912" in text
        assert "A GroupNorm in a hidden network" in text
        assert "Next step" in text
        assert "ValueError: too many values to unpack (expected 2)" in text
        assert "Handed in 3 hours late" in text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("passed", "passed"),
        ("partial", "partial"),
        ("failed", "failed"),
        ("not_scored", "not scored (our fault: it will be re-run)"),
        ("needs_marking", "needs manual grading"),
    ],
)
def test_a_status_is_told_in_words(status: Status, words: str) -> None:
    both = pages(grade(criterion_grade(status=status)))
    assert words in both.html
    assert words in both.markdown


def test_the_overview_links_to_each_section() -> None:
    elements = Page(pages(rich_grade()).html).elements
    links = [str(attributes["href"]) for tag, attributes in elements if tag == "a"]
    main, *rest = links
    assert main == "#criterion-6"   # the one of 34 points stands beside the score
    assert rest == [*(f"#criterion-{number}" for number in range(1, 8)), "#run"]
    places = [f"#{attributes.get('id')}" for _, attributes in elements]
    assert all(places.count(link) == 1 for link in links)


def test_the_criterion_that_costs_most_comes_first_and_passed_ones_are_folded_away() -> None:
    both = pages(
        grade(
            criterion_grade("Passed", points=5, reason="Fine."),
            criterion_grade("Cheap", "partial", 4, reason="Lost 1."),
            criterion_grade("Dear", "failed", 0, reason="Lost 5."),
            criterion_grade("Waits", "needs_marking", None),
            criterion_grade("Hinted", points=5, hints=("Try it.",)),
        )
    )
    assert re.findall(r"<h2.*?>(.*?)</h2>", both.html) == ["Dear", "Cheap", "Waits"]
    assert re.findall(r"(?m)^## (.*)$", both.markdown) == [
        "Dear", "Cheap", "Waits", "Passed", "Hinted",
    ]  # fmt: skip
    lines = re.findall(r'(?s)<details class="earned">\s*<summary>(.*?)</summary>', both.html)
    told = [" ".join(re.sub("<[^>]+>", " ", line).split()) for line in lines]
    assert told == ["✓ passed Passed 5 / 5", "✓ passed Hinted 1 hint 5 / 5"]
    assert "<details class" not in pages(grade(criterion_grade("Dear", "failed", 0))).html


def test_the_page_is_self_contained_and_forbids_everything_else() -> None:
    html = pages(rich_grade()).html
    elements = Page(html).elements
    assert html.startswith("<!DOCTYPE html>")
    policy = {"http-equiv": "Content-Security-Policy", "content": policy_of(html)}
    assert ("meta", policy) in elements
    for _, attributes in elements:
        assert "style" not in attributes
        assert not {"srcset", "data", "action"} & set(attributes)
        source = attributes.get("src")
        assert source is None or re.fullmatch(PICTURE, source)
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(http" not in html
    assert "@import" not in html


def test_table_headers_say_what_they_head() -> None:
    headers = [attributes for tag, attributes in Page(pages(rich_grade()).html).elements
               if tag == "th"]  # fmt: skip
    assert headers
    assert all(attributes.get("scope") in ("col", "row") for attributes in headers)


def test_the_same_grade_gives_the_same_pages() -> None:
    assert pages(rich_grade()) == pages(rich_grade())


def test_hostile_text_makes_no_element_of_its_own_in_html() -> None:
    html = pages(hostile_grade()).html
    elements = Page(html).elements
    assert {tag for tag, _ in elements} <= OUR_TAGS
    assert not [key for _, attributes in elements for key in attributes if key.startswith("on")]
    assert html.count("<h1") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_text_of_a_student_is_never_a_template() -> None:
    both = pages(hostile_grade())
    assert "{{ 7*7 }}{% for x in y %}" in both.html
    assert r"\{\{ 7\*7 \}\}\{% for x in y %\}" in both.markdown


def test_no_control_character_and_no_turn_of_direction_reaches_a_page() -> None:
    both = pages(hostile_grade())
    for text in (both.html, both.markdown):
        odd = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs")} - {"\n", "\t"}
        assert odd <= {"\N{WORD JOINER}"}  # the one that we put in ourselves
        text.encode("utf-8")


def test_hostile_text_makes_no_link_picture_or_html_in_markdown() -> None:
    tokens = tokens_of(pages(hostile_grade()).markdown)
    kinds = {token.type for token in tokens}
    assert not kinds & {
        "link_open", "image", "html_inline", "html_block", "hr", "code_block", "em_open", "s_open",
        "ordered_list_open", "blockquote_open",
    }  # fmt: skip
    assert [token.tag for token in tokens if token.type == "heading_open"].count("h1") == 1


def test_hostile_text_stays_inside_its_fence_and_its_table_cell() -> None:
    tokens = tokens_of(pages(hostile_grade()).markdown)
    fences = [token.content for token in tokens if token.type == "fence"]
    assert len(fences) == 3
    assert all("# 100 / 100\n````\n~~~\n" in text for text in fences)
    assert all("</pre></details><h1>You get 100</h1>" in text for text in fences)
    rows = [token for token in tokens if token.type == "tr_open"]
    # The overview, the table, the two plots; the run's curve, phases, rates and groups.
    assert len(rows) == (2 + 4 + 5 + 14) + (5 + 53 + 6 + 2)


def test_bare_addresses_are_broken_so_that_no_renderer_makes_links_of_them() -> None:
    prose = re.sub(r"(?s)(`{3,})text\n.*?\n\1", "", pages(hostile_grade()).markdown)
    assert "evil" in prose
    assert not re.search(r"(?i)://|www\.|@\w|javascript:", prose)


@pytest.mark.parametrize(
    "text",
    ["`a``<img src=x>`", "``<b>`", "`<b>", "`a` <b> `", "`a|b`\n`<b>|`", "\\`<b>`", "`{{ x }}`"],
)
def test_backticks_cannot_be_paired_so_that_html_escapes_them(text: str) -> None:
    kinds = {token.type for token in tokens_of(pages(grade(criterion_grade(reason=text))).markdown)}
    assert not kinds & {"html_inline", "html_block"}
    assert "{{" not in pages(grade(criterion_grade(reason=text))).markdown


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="`<b>\\\\|![](x) \n*_&;:/-1.#", max_size=30))
def test_no_text_at_all_becomes_more_than_text_and_code(text: str) -> None:
    kinds = {token.type for token in tokens_of(markdown(text))}
    assert kinds <= HARMLESS


def test_numbers_lists_and_rules_at_the_start_of_a_line_stay_text() -> None:
    reason = "1. one\n2) two\n- three\n+ four\n---\n26.5 points\n# five\n> six"
    tokens = tokens_of(pages(grade(criterion_grade(reason=reason))).markdown)
    shown = "".join(token.content or "\n" for token in tokens if token.type in
                    ("text", "text_special", "hardbreak"))  # fmt: skip
    assert reason in shown
    assert "bullet_list_open" not in {token.type for token in tokens}


SECRETS = ("SecretReason", "SecretHint", "SecretNext", "SecretAsked", "SecretTable", "SecretCell",
           "SecretOutput", "SecretTrace", "SecretClass", "SecretFact", "SecretCaution",
           "SecretPlace", "SecretGroup", "SecretFigure", "SecretPrint")  # fmt: skip


def secretive(visibility: str) -> Grade:
    secret = criterion_grade(
        "The guarded one", "failed", 1.25, 4.5, "1(z)", visibility,
        reason="SecretReason", hints=("SecretHint",), next_step="SecretNext", asked="SecretAsked",
        tables=(replace(GROUPS, title="SecretTable", rows=(("SecretCell", "7"),)),),
        pictures=(replace(MATRIX, classes=("SecretClass",), counts=((1,),)),),
        seen={"output": "SecretOutput", "traceback": "SecretTrace"},
        run=TrainingRun(
            (("SecretFact", "yes"),),
            (Phase("train", 1, 8, "train", True, "SecretPlace"),),
            groups=replace(GROUPS, title="SecretGroup"),
            cautions=(Caution("SecretCaution", "there", "so"),),
            figures=(Figure("SecretFigure", 8, 8, png(8, 8)),),
            output="SecretPrint",
        ),
    )  # fmt: skip
    return grade(criterion_grade(points=3, status="partial"), secret, late_penalty=0.77, score=3.48)


def test_a_hidden_criterion_shows_title_part_and_points_and_nothing_else() -> None:
    both = pages(secretive("hidden"), now=LONG_AFTER)
    for text in (both.html, both.markdown.replace("\\", "")):
        assert "The guarded one" in text
        assert "1(z)" in text
        assert "1.25 / 4.5" in text
        assert not [secret for secret in SECRETS if secret in text]
        assert "Your training run" not in text


@pytest.mark.parametrize("due", [DUE, None])
def test_before_the_due_date_not_even_the_points_are_told(due: object) -> None:
    both = pages(secretive("after_due"), due=due)
    for text in (both.html, both.markdown.replace("\\", "")):
        assert "The guarded one" in text
        assert "The result comes after the due date" in text
        assert not [secret for secret in SECRETS if secret in text]
        words = re.sub(r"(?s)<style>.*?</style>", "", text)
        assert "1.25" not in words
        assert "failed" not in words


def test_a_total_of_withheld_results_does_not_give_them_away() -> None:
    both = pages(secretive("after_due"))
    for text in (both.html, both.markdown):
        assert "of the criteria shown" in text
        assert "before the late penalty" in text
        assert "3.48" not in text  # the total
        assert "0.77" not in text  # a share of the total
    assert "**3 / 5 points**" in both.markdown


def test_a_template_is_never_even_handed_what_is_withheld() -> None:
    for visibility in ("hidden", "after_due"):
        page = make_page(secretive(visibility), TITLE, NOW, DUE)
        assert not [secret for secret in SECRETS if secret in repr(page)]
    assert "1.25" not in repr(page)
    assert "0.77" not in repr(page)


def test_after_the_due_date_everything_is_told() -> None:
    both = pages(secretive("after_due"), now=LONG_AFTER)
    for text in (both.html, both.markdown.replace("\\", "")):
        assert not [secret for secret in SECRETS if secret not in text and secret != "SecretClass"]
        assert "1.25 / 4.5" in text
        assert "3.48" in text
        assert "of the criteria shown" not in text


def test_a_page_bears_any_amount_of_text() -> None:
    noisy = criterion_grade(
        reason="r" * 10**6,
        hints=("h",) * 10**4,
        tables=(replace(GROUPS, rows=GROUPS.rows * 10**4),),
        seen={"output": "line\n" * 10**6, "traceback": "t" * 10**6},
    )
    both = pages(grade(noisy))
    assert len(both.html) + len(both.markdown) < 300_000
    assert "and 29800 more rows" in both.html


def test_an_instructors_template_takes_the_place_of_ours_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "feedback.md.j2").write_text("Dear {{ sheet.student }}, {{ number(sheet.score) }}")
    both = pages(rich_grade(), templates=tmp_path)
    assert both.markdown == "Dear Ada Lovelace, 26.37"
    assert both.html == pages(rich_grade()).html


def test_an_instructors_template_may_extend_ours(tmp_path: Path) -> None:
    (tmp_path / "feedback.html.j2").write_text(
        '{% extends "default/feedback.html.j2" %}{% block lead %}From Prof. X{% endblock %}'
    )
    html = pages(rich_grade(), templates=tmp_path).html
    assert "From Prof. X" in html
    assert "Some answers need manual grading" not in html
    assert "1,792 elements" in html


def test_the_policy_of_a_page_allows_the_style_of_an_instructors_template(tmp_path: Path) -> None:
    (tmp_path / "feedback.html.j2").write_text(
        '{% extends "default/feedback.html.j2" %}'
        "{% block style %}{{ super() }}h1 { color: teal }{% endblock %}"
    )
    html = pages(rich_grade(), templates=tmp_path).html
    assert "h1 { color: teal }</style>" in html
    assert f'content="{policy_of(html)}"' in html


def test_an_instructors_template_is_escaped_without_a_word_about_it(tmp_path: Path) -> None:
    for name in ("feedback.html.j2", "feedback.md.j2"):
        (tmp_path / name).write_text("{{ sheet.sections[0].reason }}")
    both = pages(hostile_grade(), templates=tmp_path)
    assert "<" not in both.html
    assert {token.type for token in tokens_of(both.markdown)} <= HARMLESS


@pytest.mark.parametrize("template", ["{{ sheet.sudent }}", "line\n{% if %}"])
def test_an_error_in_an_instructors_template_names_the_file(tmp_path: Path, template: str) -> None:
    (tmp_path / "feedback.html.j2").write_text(template)
    with pytest.raises(UsageError, match=re.escape(str(tmp_path))):
        pages(rich_grade(), templates=tmp_path)


def test_the_sample_is_as_hostile_as_it_says() -> None:
    """Were it harmless, the tests above would pass for nothing."""
    kinds = {token.type for token in tokens_of(HOSTILE.replace("\ud800", ""))}
    assert {"image", "html_inline"} <= kinds
    assert "script" in {tag for tag, _ in Page(HOSTILE).elements}
