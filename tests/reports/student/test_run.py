"""A training as it was watched, on the page: what it says, what it withholds, what it bears."""

from __future__ import annotations

import base64
import dataclasses
import math
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from grader.records import (
    Caution,
    Figure,
    Grade,
    LearningCurve,
    Series,
    Stretch,
    Table,
    TrainingRun,
)
from grader.reports.student.mode_strips import draw_legend, draw_strip
from grader.reports.student.page import make_sheet
from grader.reports.student.render import Pages, Renderer
from grader.reports.student.training_run import epochs, tabulate_stretches, tell_modes
from tests.factories import criterion_grade, grade
from tests.reports.student.sample_grade import (
    ATTACKS,
    DUE,
    HOSTILE,
    NOW,
    RUN,
    hostile_run,
    png,
    rich_grade,
)

TITLE = "Your training, as it was watched"
EMPTY = TrainingRun((), ())


def pages(run: TrainingRun | None, **verdict: Any) -> Pages:
    return pages_of(grade(criterion_grade(run=run, **verdict)))


def pages_of(of: Grade) -> Pages:
    return Renderer().render(of, "Homework", NOW, DUE)


def kept(run: TrainingRun) -> TrainingRun:
    found = make_sheet(grade(criterion_grade(run=run)), "Homework", NOW, DUE).run
    assert found is not None
    return found


def alternating(count: int, **fields: Any) -> tuple[Stretch, ...]:
    first = Stretch("train", 19, 1197, "train", True, "a.py, line 3")
    second = Stretch("evaluate", 5, 300, "eval", True, "a.py, line 9")
    return tuple(
        dataclasses.replace((first, second)[index % 2], **fields) for index in range(count)
    )


def elements(svgs: tuple[str, ...], tag: str) -> list[ElementTree.Element]:
    return [one for svg in svgs for one in ElementTree.fromstring(svg).iter(tag)]


def test_both_pages_tell_facts_cautions_modes_rates_groups_and_output() -> None:
    both = pages_of(rich_grade())
    for text in (both.html, both.markdown.replace("\\", "")):
        section = text.rpartition(TITLE)[2]
        assert "told by the worker that ran your code" in section
        assert "by itself nothing in it costs or earns points" in section
        assert "ResNet, 78,042 parameters" in section
        assert "ada_hw2.py, line 58" in section
        assert "Why it matters: Batch norm used the statistics" in section
        assert "In the wrong mode: 1 of 10 stretches of evaluation (number 8)." in section
        assert "✗ train, wrong" in section
        assert "Learning rate by step" in section
        assert "77,328" in section
        assert "Filters of the first layer" in section
        assert "saved best.pt" in section


def test_cautions_come_before_everything_else() -> None:
    both = pages_of(rich_grade())
    for text in (both.html, both.markdown):
        section = text.rpartition(TITLE)[2]
        assert section.index("does not shuffle") < section.index("78,042 parameters")
        assert section.index("does not shuffle") < section.index("In the wrong mode")


def test_the_overview_says_how_many_cautions_there_are() -> None:
    overview = pages_of(rich_grade()).html.partition("</table>")[2].partition("<section")[0]
    assert f'<a href="#run">{TITLE}</a> <span class="soft">3 cautions</span>' in overview
    single = pages(dataclasses.replace(RUN, cautions=RUN.cautions[:1])).html
    assert "1 caution<" in single


def test_a_grade_without_a_run_has_no_section_of_one() -> None:
    both = pages(None)
    assert TITLE not in both.html + both.markdown
    assert "#run" not in both.html


def test_an_empty_run_is_a_section_without_empty_parts() -> None:
    both = pages(EMPTY)
    section = both.html.partition('<section id="run"')[2]
    assert not [tag for tag in ("<h3", "<ol", "<dl", "<svg", "<img", "<table") if tag in section]
    assert both.markdown.rpartition(TITLE)[2].count("#") == 0


@pytest.mark.parametrize(
    "run",
    [
        dataclasses.replace(EMPTY, stretches=alternating(1)),
        dataclasses.replace(EMPTY, rates=Series("", ())),
        dataclasses.replace(EMPTY, curve=LearningCurve("", (), ())),
        dataclasses.replace(EMPTY, cautions=(Caution("what", "", ""),)),
        dataclasses.replace(EMPTY, figures=(Figure("", 320, 200, png()),)),
        dataclasses.replace(EMPTY, output="\n\n"),
    ],
)
def test_any_part_of_a_run_may_be_all_there_is(run: TrainingRun) -> None:
    both = pages(run)
    assert TITLE in both.html
    assert TITLE in both.markdown


def test_the_last_run_that_may_be_seen_is_shown() -> None:
    runs = [dataclasses.replace(EMPTY, facts=(("which", f"run {number}"),)) for number in range(3)]
    both = pages_of(
        grade(
            criterion_grade(run=runs[0]),
            criterion_grade(run=runs[1]),
            criterion_grade(),
            criterion_grade(run=runs[2], visibility="after_due"),
        )
    )
    for text in (both.html, both.markdown):
        assert "run 1" in text
        assert "run 0" not in text
        assert "run 2" not in text


@pytest.mark.parametrize("visibility", ["hidden", "after_due"])
def test_a_sheet_does_not_even_hold_a_run_that_is_withheld(visibility: str) -> None:
    sheet = make_sheet(grade(criterion_grade(run=RUN, visibility=visibility)), "Homework", NOW, DUE)
    assert sheet.run is None
    assert "shuffle" not in repr(sheet)


def test_the_same_run_gives_the_same_pages() -> None:
    assert pages(RUN) == pages(RUN)
    assert pages(hostile_run()) == pages(hostile_run())


def test_a_figure_is_a_picture_with_a_size_and_words_for_who_cannot_see_it() -> None:
    html = pages(RUN).html
    images = re.findall(r"<img [^>]*>", html)
    assert len(images) == 2
    for image, figure in zip(images, RUN.figures, strict=True):
        assert f'src="data:image/png;base64,{figure.png}"' in image
        assert f'width="{figure.width}" height="{figure.height}"' in image
        assert re.search(rf'alt="Figure \d of 2, drawn by your code: {figure.title}"', image)


@pytest.mark.parametrize(
    "broken",
    [
        png() + '" onerror="alert(1)',
        '"><script>alert(1)</script>',
        png() + "\n",
        " " + png(),
        png()[:-1],
        png().rstrip("=") + "====",
        png()[:40] + "=" + png()[41:],
        png()[:40] + "-_\u00e9\u0131" + png()[44:],
        base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'>" + b" " * 40).decode(),
        base64.b64encode(b"GIF89a" + b" " * 60).decode(),
        png(321, 200),
        "",
    ],
)
def test_a_figure_that_is_no_png_of_its_size_in_base64_is_left_out(broken: str) -> None:
    run = dataclasses.replace(EMPTY, figures=(Figure("a title", 320, 200, broken),))
    assert kept(run).figures == ()
    assert kept(run).facts == (("Shown here", "0 of 1 figures"),)
    assert "<img" not in pages(run).html


@pytest.mark.parametrize(("width", "height"), [(0, 200), (-320, 200), (320, 10**9), (2**32, 200)])
def test_a_figure_of_an_impossible_size_is_left_out(width: int, height: int) -> None:
    run = dataclasses.replace(EMPTY, figures=(Figure("", width, height, png()),))
    assert kept(run).figures == ()


def test_text_of_every_field_of_a_run_is_shown_and_escaped() -> None:
    """What becomes of attacks in a browser and in a viewer of Markdown: tests/hostile."""
    names = ("name", "fact", "what", "where", "why", "place", "curve", "line", "table", "column",
             "cell", "figure", "output")  # fmt: skip
    field = {name: f'<i>{name}</i>"' for name in names}
    run = TrainingRun(
        ((field["name"], field["fact"]),),
        alternating(1, place=field["place"]),
        LearningCurve(field["curve"], (Series(field["line"], ((1.0, 1.0),)),), ()),
        groups=Table(field["table"], (field["column"],), ((field["cell"],),)),
        cautions=(Caution(field["what"], field["where"], field["why"]),),
        figures=(Figure(field["figure"], 320, 200, png()),),
        output=field["output"],
    )
    both = pages(run)
    assert "<i>" not in both.html
    for name in names:
        assert re.search(f'&lt;i&gt;{name}&lt;/i&gt;(&#34;|")', both.html), name
        assert name == "output" or rf"\<i\>{name}\</i\>" in both.markdown, name
    assert 'by your code: &lt;i&gt;figure&lt;/i&gt;&#34;" width=' in both.html
    assert "<i>" not in re.sub(r"(?s)(`{3,})text\n.*?\n\1|\\<", "", both.markdown)


def test_no_element_of_a_run_has_a_style_or_a_handler_of_its_own() -> None:
    for run in (RUN, hostile_run()):
        section = pages(run).html.partition('<section id="run"')[2]
        tags = re.findall(r"<[a-z][^<>]*>", section)
        assert len(tags) > 100
        assert not [tag for tag in tags if re.search(r'"\s*(style|on\w+)=', tag)]


def test_each_text_of_a_run_has_a_limit() -> None:
    long = "x" * 10**5
    run = TrainingRun(
        facts=((long, long),) * 500,
        stretches=alternating(1, place=long),
        curve=LearningCurve(long, (Series(long, ((1.0, 1.0),)),) * 500, ()),
        rates=Series(long, tuple((float(step), 0.1) for step in range(10**5))),
        cautions=(Caution(long, long, long),) * 500,
        figures=(Figure(long, 320, 200, png()),) * 500,
        output=(long + "\n") * 500,
    )
    found = kept(run)
    assert len(found.facts) == 24 + 1
    assert found.facts[-1] == ("Shown here", "20 of 500 cautions, 6 of 500 figures")
    assert len(found.cautions) == 20
    assert len(found.figures) == 6
    assert found.rates is not None
    assert len(found.rates.points) <= 2000
    both = pages(run)
    assert len(both.html) + len(both.markdown) < 300_000
    assert "x" * 401 not in both.html + both.markdown


def test_a_figure_of_megabytes_is_left_out() -> None:
    heavy = base64.b64encode(base64.b64decode(png()) + bytes(10**6)).decode()
    assert kept(dataclasses.replace(EMPTY, figures=(Figure("", 320, 200, heavy),))).figures == ()


def test_a_page_with_six_figures_stays_light() -> None:
    six = tuple(Figure(f"figure {number}", 640, 480, png(640, 480)) for number in range(6))
    html = pages(dataclasses.replace(RUN, figures=six)).html
    assert html.count("<img") == 6
    assert len(html) < 200_000


def test_numbers_that_are_none_or_not_finite_are_shown_as_that() -> None:
    values = (None, math.nan, math.inf, -math.inf, 1e300)
    stretches = tuple(
        dataclasses.replace(alternating(1)[0], lr=value, loss=value, accuracy=value)
        for value in values
    )
    rows = tabulate_stretches(stretches).rows
    assert [row[5:8] for row in rows] == [
        ("", "", ""), ("nan",) * 3, ("inf",) * 3, ("-inf",) * 3, ("1e+300",) * 3,
    ]  # fmt: skip
    assert "nan" in pages(dataclasses.replace(EMPTY, stretches=stretches)).html


def test_counts_of_any_size_are_bounded() -> None:
    odd = alternating(1, batches=10**5000, images=-3)
    (one,) = kept(dataclasses.replace(EMPTY, stretches=odd)).stretches
    assert (one.batches, one.images) == (10**12, 0)


@pytest.mark.parametrize("count", [1, 2, 12, 13, 25, 26, 599, 600])
def test_a_strip_has_a_cell_for_each_stretch_and_numbers_them(count: int) -> None:
    panels = draw_strip(alternating(count))
    assert len(panels) == -(-count // 25)
    cells = [one for one in elements(panels, "rect") if one.get("fill-opacity") != "0.07"]
    assert len(cells) == count
    numbers = [one.text for one in elements(panels, "text") if (one.text or "").isdigit()]
    wanted = {1, *range(5, count + 1, 5), *range(1, count + 1, 25)}
    assert numbers == [str(number) for number in sorted(wanted)]
    for panel in panels:
        right = max(float(one.get("x", 0)) + float(one.get("width", 0))
                    for one in elements((panel,), "rect"))  # fmt: skip
        assert right <= 330


def test_more_stretches_than_a_page_bears_are_counted() -> None:
    run = dataclasses.replace(EMPTY, stretches=alternating(700))
    assert kept(run).facts == (("Shown here", "600 of 700 stretches"),)
    assert len(kept(run).stretches) == 600
    both = pages(run)
    assert "600 of 700 stretches" in both.html
    assert len(both.html) < 500_000


def test_modes_differ_by_more_than_their_colour() -> None:
    shapes = []
    for mode in ("train", "eval", "mixed"):
        (panel,) = draw_strip(alternating(1, mode=mode))
        shapes.append([one.tag for one in ElementTree.fromstring(panel) if one.tag != "text"])
    assert shapes[0] != shapes[1] != shapes[2] != shapes[0]


def test_a_wrong_mode_is_framed_crossed_and_told_in_words() -> None:
    right = alternating(10)
    wrong = (*right[:7], dataclasses.replace(right[7], mode="train", right=False), *right[8:])
    marks = [one for one in elements(draw_strip(wrong), "path") if one.get("stroke-width") == "1.7"]
    assert len(marks) == 1
    assert not [
        one for one in elements(draw_strip(right), "path") if one.get("stroke-width") == "1.7"
    ]
    (panel,) = draw_strip(wrong)
    label = ElementTree.fromstring(panel).get("aria-label")
    assert label == "Modes of stretches 1 to 10: wrong are 8, evaluation in train mode"
    assert tell_modes(wrong) == "In the wrong mode: 1 of 5 stretches of evaluation (number 8)."
    assert tell_modes(right) == "No stretch was in the wrong mode."
    assert [row[2] for row in tabulate_stretches(wrong).rows].count("✗ train, wrong") == 1
    assert "framed" not in panel


def test_the_legend_says_what_each_cell_means() -> None:
    words = [text for _, text in draw_legend()]
    assert len(words) == 4
    html = pages(RUN).html
    assert not [text for text in words if text not in html]


def test_an_epoch_is_a_stretch_of_training_with_what_follows_it() -> None:
    train, evaluate = alternating(2)
    wrong = dataclasses.replace(evaluate, right=False)
    found = epochs((evaluate, train, wrong, evaluate, train, train))
    assert [one.number for one in found] == [0, 1, 2, 3]
    assert [one.training for one in found] == [None, train, train, train]
    assert [one.evaluation for one in found] == [evaluate, wrong, None, None]
    assert [one.right for one in found] == [True, False, True, True]
    assert epochs(()) == []


def test_the_hostile_run_is_as_hostile_as_it_says() -> None:
    run = hostile_run()
    texts = (run.facts[1][0], run.cautions[1].what, run.figures[-1].title, run.output)
    assert all("<script>" in text for text in texts)
    assert " ~ ".join(ATTACKS) == HOSTILE
