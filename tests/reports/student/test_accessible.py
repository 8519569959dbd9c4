"""A student's page as axe-core reads it: in light and dark, on a wide screen and on a phone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page

from grader.reports.student.render import Renderer
from tests.reports.student.sample_grade import DUE, NOW, RUN, rich_grade
from tests.support.looking import keeps_nobody_out


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that a page can have, and an output that is long enough to scroll."""
    rich = rich_grade()
    long = replace(RUN, output="epoch 1 loss 1.84\n" * 60)
    rows = [
        replace(one, verdict=replace(one.verdict, run=long)) if one.verdict.run else one
        for one in rich.criteria
    ]
    path = tmp_path_factory.mktemp("feedback") / "ada.html"
    html = Renderer().render(replace(rich, criteria=tuple(rows)), "Homework 2", NOW, DUE).html
    path.write_text(html, encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_nothing_keeps_anybody_out(page: Page, file: Path, scheme: str, width: int) -> None:
    keeps_nobody_out(page, file, scheme, width)
