"""`results/report.html`: when it is written, of whom, and what a disk that fails leaves of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.made_up import made_up_class, rubric
from grader.cli.app import cli
from grader.run import results_folder as results
from grader.run.cache.file import no_cache, open_cache
from grader.run.results_folder import ReportFile
from grader.text import write_text

ROOT = Path(__file__).parent.parent.parent.parent
CLASS = made_up_class(12)


@pytest.fixture
def submissions(tmp_path: Path) -> Path:
    """Two students who handed in a written answer each; nothing has to be run for it."""
    folder = tmp_path / "submissions"
    folder.mkdir()
    for student in ("ada", "grace"):
        hand_in(folder, student)
    return folder


def grade(submissions: Path, out: Path, *more: str) -> str:
    words = ["run", str(submissions), "--rubric", str(ROOT / "rubric.yaml"), "--out", str(out),
             "--criterion", "written-a", "--sandbox", "process", *more]
    done = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert str(out / "report.html") in done.output
    return (out / "report.html").read_text(encoding="utf-8")


def students(html: str) -> list[str]:
    return re.findall(r'<tr data-alias.*\n.*feedback/([^"]*)\.html', html)


def test_a_run_leaves_a_report_of_everybody_it_graded(submissions: Path, tmp_path: Path) -> None:
    html = grade(submissions, tmp_path / "out")
    assert students(html) == ["ada", "grace"]
    assert "data-running" not in html.partition("<style>")[0]


def test_whom_an_earlier_run_graded_is_in_it_too(submissions: Path, tmp_path: Path) -> None:
    grade(submissions, tmp_path / "out")
    assert students(grade(submissions, tmp_path / "out", "--only", "ada")) == ["ada", "grace"]
    (submissions / "grace" / "answers.md").unlink()
    (submissions / "grace").rmdir()
    assert students(grade(submissions, tmp_path / "out")) == ["ada"]


def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect every report that is written from now on, however soon after the last one."""
    pages: list[str] = []

    def spied(path: Path, pieces: Iterable[str]) -> None:
        text = "".join(pieces)
        pages.append(text)
        write_text(path, [text])

    monkeypatch.setattr(results, "write_text", spied)
    monkeypatch.setattr(results, "_REPORT_EVERY", 0.0)
    monkeypatch.setattr(results, "_REPORT_SHARE", 1e9)
    return pages


def test_a_run_can_be_watched(
    submissions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = watched(monkeypatch)
    grade(submissions, tmp_path / "out")
    left = [re.findall(r"<strong>(\d+) left", page) for page in pages]
    assert left == [["1"], ["0"], []]
    assert [len(students(page)) for page in pages] == [1, 2, 2]


def hand_in(submissions: Path, student: str, answer: str = "Two words.") -> None:
    (submissions / student).mkdir(exist_ok=True)
    (submissions / student / "answers.md").write_text(f"## (a)\n{answer}\n", encoding="utf-8")


@pytest.mark.parametrize(("changed", "words", "shown", "left"), [
    ("new", (), ["ada", "grace"], 1), ("ada", (), ["grace"], 1), ("", (), ["ada", "grace"], 0),
    ("new", ("--only", "ada"), ["ada", "grace"], 0),
])  # fmt: skip
def test_a_run_that_goes_on_shows_everybody_whose_marks_hold_from_the_first_second(
    submissions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str,
    words: tuple[str, ...], shown: list[str], left: int,
) -> None:
    grade(submissions, tmp_path / "out")
    if changed:
        hand_in(submissions, changed, "Three other words.")
    pages = watched(monkeypatch)
    grade(submissions, tmp_path / "out", *words)
    assert students(pages[0]) == shown
    assert f"<strong>{left} left</strong>" in pages[0] and "data-running" in pages[0]


def test_a_run_that_begins_afresh_shows_no_earlier_marks(
    submissions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grade(submissions, tmp_path / "out")
    pages = watched(monkeypatch)
    grade(submissions, tmp_path / "out", "--fresh")
    assert [len(students(page)) for page in pages] == [1, 2, 2]


def test_it_is_written_no_more_than_every_few_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("grader.run.results_folder.time.monotonic", lambda: now[0])
    report = ReportFile(rubric(), tmp_path, [one.student for one in CLASS], no_cache())
    written: list[float] = []
    for one in CLASS:
        report.add(one)
        (tmp_path / "report.html").unlink(missing_ok=True)
        report.keep_up(left=5)
        if (tmp_path / "report.html").exists():
            written.append(now[0])
        now[0] += 1.5
    assert written == [104.5, 109.0, 113.5]


def test_a_disk_that_fails_leaves_the_page_that_was_there(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("before")

    def half() -> Iterable[str]:
        yield "half of "
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_text(page, half())
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]
    assert page.read_text() == "before"


def test_a_report_that_cannot_be_written_is_told_and_costs_nothing_else(
    submissions: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "report.html" / "in the way").mkdir(parents=True)
    words = ["run", str(submissions), "--rubric", str(ROOT / "rubric.yaml"), "--out", str(out),
             "--criterion", "written-a", "--sandbox", "process"]
    done = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert "Not written: the report in" in done.output
    assert (out / "grades.csv").read_text().count("\n") == 3


def test_what_was_drawn_is_not_drawn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_cache(tmp_path) as cache:
        for _ in range(2):
            report = ReportFile(rubric(), tmp_path, [one.student for one in CLASS], cache)
            for one in CLASS:
                report.add(one)
            report.finish(left=0)
            html = (tmp_path / "report.html").read_text(encoding="utf-8")
            assert html.count('role="img"') == 2
            monkeypatch.setattr("grader.reports.student.svg.to_svg", None)
