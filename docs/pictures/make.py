"""Makes the pictures of the README and the documentation from made-up students.

    python docs/pictures/make.py     # needs Chromium and the packages of the tests
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.made_up import made_up_class, rubric
from benchmarks.timing import ROOT
from grader.reports.class_report.rendering import render
from grader.reports.class_report.rows import row_of
from grader.reports.class_report.summarizing import summarize
from grader.reports.student.render import Renderer

sys.path.insert(0, str(ROOT))
from tests.marking.classroom import Classroom, Served, command, hand_in, serving
from tests.reports.student.sample_grade import rich_grade
from tests.support.looking import program

HERE = Path(__file__).parent
WHEN = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
COLOURS = 255
ANSWER = r"""## (b)
In training mode batch norm computes $\mu_B, \sigma_B$ from the mini-batch,
$$\hat{x} = \frac{x - \mu_B}{\sqrt{\sigma_B^2 + \epsilon}},$$
in evaluation mode it uses the running averages. Dropout is switched off in evaluation mode.
"""


def report() -> str:
    grades = made_up_class(60)
    everyone = [one.student for one in grades]
    return render(summarize(rubric(), map(row_of, grades), everyone, 0, running=False), WHEN)


def feedback() -> str:
    rich = rich_grade()
    shown = rich.criteria[3:5]
    grade = replace(
        rich, criteria=shown, score=sum(one.points or 0 for one in shown), late_penalty=0,
        max=sum(one.max for one in shown), notes=(),
    )  # fmt: skip
    return Renderer().render(grade, rubric().title, WHEN).html


@contextmanager
def marking(folder: Path) -> Iterator[Served]:
    """A marking page for six answers, two of them marked."""
    room = Classroom(folder)
    for number in range(6):
        hand_in(room, f"student{number}", ANSWER)
    homework: list[str | Path] = ["--rubric", ROOT / "rubric.yaml", "--criterion", "written-b"]
    command("run", room.hand_ins, *homework, "--sandbox", "process", "--out", room.results)
    room.mark("student0", "written-b", 2)
    room.mark("student1", "written-b", 1)
    (folder / "rubric.yaml").symlink_to(ROOT / "rubric.yaml")
    with serving(room) as served:
        comment = {"text": "Which statistics? Say that they are running averages.", "points": -0.25}
        served.ask("/api/criteria/written-b/comments", "POST", comment)
        yield served


def mark(tab: Page, served: Served) -> None:
    tab.goto(served.address)
    expect(tab.locator("h1")).to_contain_text("answers")
    tab.goto(f"{served.base}/#/part/written-b")
    option = "Says what the modes change of batch norm or of dropout only."
    tab.get_by_role("checkbox", name=option).check()
    comment = tab.get_by_label("Comment c")
    comment.fill("You know what they do. Where in your code do you call them?")
    expect(tab.locator("#kept")).to_have_text("Draft saved.")
    tab.locator("h1").focus()


def shoot(tab: Page, folder: Path, name: str) -> None:
    shot = folder / f"{name}.png"
    tab.screenshot(path=shot)
    small = Image.open(shot).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(HERE / f"{name}.png", optimize=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder = Path(name)
        browser = driver.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        tab = browser.new_page(device_scale_factor=1.2)
        for picture, html, width, height in (
            ("report", report(), 1180, 2560), ("feedback", feedback(), 900, 1500)
        ):
            page = folder / f"{picture}.html"
            page.write_text(html, encoding="utf-8")
            tab.set_viewport_size({"width": width, "height": height})
            tab.goto(page.as_uri())
            shoot(tab, folder, picture)
        with marking(folder) as served:
            tab = browser.new_page(viewport={"width": 1180, "height": 1020})
            mark(tab, served)
            shoot(tab, folder, "marking")
        browser.close()


if __name__ == "__main__":
    main()
