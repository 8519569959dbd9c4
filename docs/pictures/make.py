"""The pictures of the README, of a class and a student that were made up.

    python docs/pictures/make.py     # needs Chromium, and what the tests need
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.made_up import made_up_class, rubric
from benchmarks.timing import ROOT
from grader.reports.class_report.rendering import render
from grader.reports.class_report.rows import row_of
from grader.reports.class_report.summarizing import summarize
from grader.reports.student.render import Renderer

sys.path.insert(0, str(ROOT))
from tests.reports.student.sample_grade import rich_grade
from tests.support.looking import program

HERE = Path(__file__).parent
WHEN = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
COLOURS = 255


def report() -> str:
    grades = made_up_class(60)
    everyone = [one.student for one in grades]
    return render(summarize(rubric(), map(row_of, grades), everyone, 0, running=False), WHEN)


def feedback() -> str:
    rich = rich_grade()
    shown = rich.criteria[3:6]
    grade = replace(
        rich, criteria=shown, score=sum(one.points or 0 for one in shown), late_penalty=0,
        max=sum(one.max for one in shown), notes=(),
    )  # fmt: skip
    return Renderer().render(grade, rubric().title, WHEN).html


def main() -> None:
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        tab = browser.new_page(device_scale_factor=1.2)
        for picture, html, width, height in (
            ("report", report(), 1180, 2560), ("feedback", feedback(), 900, 1500)
        ):
            page = Path(name) / f"{picture}.html"
            page.write_text(html, encoding="utf-8")
            tab.set_viewport_size({"width": width, "height": height})
            tab.goto(page.as_uri())
            shot = Path(name) / f"{picture}.png"
            tab.screenshot(path=shot)
            small = Image.open(shot).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
            small.save(HERE / f"{picture}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
