"""Plots are legible on any page, always the same, and harmless whatever a class is called."""

from __future__ import annotations

import math
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from grader.records import ConfusionMatrix, LearningCurve, Series
from grader.reports.student.learning_curves import draw_rates, tabulate_rates
from grader.reports.student.mode_strips import draw_legend, draw_strip
from grader.reports.student.plots import draw, tabulate
from tests.reports.student.sample_grade import ATTACKS, CURVE, MATRIX, RUN


def curve(*values: float) -> LearningCurve:
    return LearningCurve("Curve", (Series("training", tuple(enumerate(values))),), ())


def rates(*values: float) -> Series:
    return Series("learning rate", tuple(enumerate(values)))


def all_pictures() -> tuple[str, ...]:
    assert RUN.rates is not None
    of_run = (*draw_rates(RUN.rates), *draw_strip(RUN.stretches))
    return (*draw(CURVE), *draw(MATRIX), *of_run)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


def test_a_learning_curve_has_a_panel_for_loss_and_one_for_accuracy() -> None:
    loss, accuracy = draw(CURVE)
    assert {"loss", "epoch", "training", "validation"} <= set(texts(loss))
    assert {"accuracy", "100%", "training", "validation"} <= set(texts(accuracy))


def test_a_confusion_matrix_shows_classes_and_counts() -> None:
    (svg,) = draw(MATRIX)
    assert set(MATRIX.classes) <= set(texts(svg))
    assert texts(svg).count("27") == 10


def test_pictures_take_their_colours_from_the_page() -> None:
    for svg in all_pictures():
        assert "currentColor" in svg
        assert "var(--plot-a" in svg
        bare = svg.replace("#1d4ed8", "").replace("#b45309", "")  # what the variables fall back to
        assert '="var(--plot-a, )"' in bare
        assert not [word for word in bare.split() if word.strip(';"').startswith("#")]


def test_pictures_stand_inline_and_say_what_they_show() -> None:
    for svg in all_pictures():
        root = ElementTree.fromstring(svg)
        assert root.tag == "svg"
        assert root.get("role") == "img"
        assert root.get("aria-label")
        assert root.get("viewBox")
        assert root.get("width") is None
        allowed = {"svg", "g", "defs", "path", "use", "text", "clipPath", "rect"}
        assert {element.tag for element in root.iter()} <= allowed
        # A style in an element is what the page's policy forbids: it would be drawn without it.
        assert not [element for element in root.iter() if element.get("style")]


def test_every_reference_inside_a_picture_finds_its_target() -> None:
    for svg in all_pictures():
        root = ElementTree.fromstring(svg)
        ids = {element.get("id") for element in root.iter()} - {None}
        used = {element.get("href", "")[1:] for element in root.iter("use")}
        clips = {element.get("clip-path", "")[5:-1] for element in root.iter()} - {""}
        assert ids == used | clips


def test_the_same_picture_gives_the_same_text() -> None:
    assert all_pictures() == all_pictures()
    assert draw_legend() == draw_legend()


def test_values_that_are_not_finite_are_left_out() -> None:
    (svg,) = draw(curve(2.0, math.nan, math.inf, -math.inf, 1e300, 1.0))
    assert (svg,) == draw(
        LearningCurve("Curve", (Series("training", ((0.0, 2.0), (5.0, 1.0))),), ())
    )


def test_a_curve_without_a_finite_value_has_no_picture() -> None:
    assert draw(curve(math.nan, math.inf)) == ()
    assert draw(curve()) == ()
    assert draw(ConfusionMatrix("Empty", (), ())) == ()


def test_a_loss_that_explodes_is_drawn_all_the_same() -> None:
    (svg,) = draw(curve(2.3, 41.0, 9e5, 1e11))
    assert "1e+10" in texts(svg)


def test_one_epoch_is_a_picture_too() -> None:
    assert len(draw(curve(0.5))) == 1


def test_names_from_the_data_are_neither_mathematics_nor_markup() -> None:
    names = ("$x^2$", r"$\frac{1}{0}$", "<b>&", "日本語", *(text[:9] for text in ATTACKS[:3]))
    counts = tuple((1,) * len(names) for _ in names)
    (svg,) = draw(ConfusionMatrix("$", names, counts))
    assert set(names) <= set(texts(svg))


def test_a_hundred_classes_are_drawn_without_their_names() -> None:
    names = tuple(f"class-{index}" for index in range(100))
    (svg,) = draw(ConfusionMatrix("C", names, tuple((1,) * 100 for _ in names)))
    assert texts(svg) == ["predicted class", "true class"]


def test_the_table_of_a_long_curve_ends_with_its_last_epoch() -> None:
    table = tabulate(curve(*(1 / (1 + epoch) for epoch in range(100))))
    assert table.columns == ("epoch", "loss, training")
    assert len(table.rows) <= 12
    assert table.rows[-1] == ("99", "0.01")


def test_the_table_of_a_matrix_names_the_most_frequent_mistake() -> None:
    table = tabulate(ConfusionMatrix("M", ("cat", "dog"), ((8, 2), (0, 10))))
    assert table.rows == (("cat", "10", "8", "dog (2)"), ("dog", "10", "10", ""))


def test_rates_that_span_more_than_ten_times_are_drawn_on_a_log_scale() -> None:
    (svg,) = draw_rates(rates(0.1, 0.1, 0.01, 0.001))
    assert {"0.1", "0.01", "0.001", "step", "learning rate"} <= set(texts(svg))
    (svg,) = draw_rates(rates(0.1, 0.05, 0.02))
    assert "0.00" not in "".join(texts(svg))
    assert {"0", "0.1"} <= set(texts(svg))


@pytest.mark.parametrize("values", [(0.0,), (0.1,), (0.0, 0.0), (0.1, 0.0), (1e-8, 1e12), (-1, 1)])
def test_any_rates_have_a_picture(values: tuple[float, ...]) -> None:
    assert len(draw_rates(rates(*values))) == 1


def test_rates_without_a_finite_value_have_no_picture() -> None:
    assert draw_rates(rates()) == ()
    assert draw_rates(rates(math.nan, math.inf, 1e300)) == ()


def test_the_table_of_rates_tells_where_they_change() -> None:
    steps = [0.1] * 76 + [0.01] * 76 + [0.001] * 38
    table = tabulate_rates(rates(*steps))
    assert table.rows == (("0", "0.1"), ("76", "0.01"), ("152", "0.001"), ("189", "0.001"))
    long = tabulate_rates(rates(*(1 / (1 + step) for step in range(1000))))
    assert len(long.rows) <= 12
    assert long.rows[-1][0] == "999"


def test_matplotlib_is_not_imported_before_the_first_picture() -> None:
    code = "import sys, grader.reports.student.render; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
