"""The page in a browser: sorted, filtered, projected, watched, printed, and read out."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.made_up import made_up_class, rubric
from grader.grading.late_penalty import Lateness
from grader.grading.points import grade
from grader.records import Grade, Verdict
from grader.reports.class_report.rendering import render
from grader.reports.class_report.rows import row_of
from grader.reports.class_report.summarizing import summarize
from grader.reports.similar_code.pairs import Pair, Side
from grader.submissions.roster import Person
from tests.reports.student.sample_grade import NOW
from tests.support.looking import barriers, keeps_nobody_out

HOMEWORK = rubric()
CLASS = made_up_class(25)
NAMES = sorted((one.student for one in CLASS), key=str.casefold)


def html_of(
    grades: Collection[Grade], left: int = 0, running: bool = False, now: datetime = NOW
) -> str:
    everyone = [one.student for one in CLASS]
    report = summarize(HOMEWORK, map(row_of, grades), everyone, left, running)
    return render(report, now)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("results") / "report.html"
    path.write_text(html_of(CLASS), encoding="utf-8")
    return path


@pytest.fixture
def report(page: Page, file: Path) -> Page:
    page.goto(file.as_uri())
    return page


def column(page: Page, number: int) -> list[str]:
    """The visible texts of a column of the students' table, from top to bottom."""
    cells = page.locator(f"#table tbody tr:visible > :nth-child({number})")
    return [text.strip() for text in cells.all_inner_texts()]


def points(page: Page) -> list[float]:
    return [float(text) for text in column(page, 2)]


def test_every_student_has_a_row_and_a_link_to_their_page(report: Page) -> None:
    assert column(report, 1) == NAMES
    first = report.locator("#table tbody a").first
    assert first.get_attribute("href") == f"feedback/{NAMES[0]}.html"


def test_a_name_in_an_address_is_quoted(page: Page, tmp_path: Path) -> None:
    """Keys are file names already; whatever is one of them leads to the file of that name."""
    odd = replace(CLASS[0], student="Zoë #1?%41")
    (tmp_path / "feedback").mkdir()
    (tmp_path / "feedback" / f"{odd.student}.html").write_text("<title>found</title>")
    (tmp_path / "report.html").write_text(html_of([odd]), encoding="utf-8")
    page.goto((tmp_path / "report.html").as_uri())
    page.click("#table tbody a")
    assert page.title() == "found"


def test_a_click_on_a_column_sorts_and_another_turns_it_around(report: Page) -> None:
    head = report.locator("#table thead th").nth(1)
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"   # the best first
    assert points(report) == sorted(points(report), reverse=True)
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert points(report) == sorted(points(report))
    others = report.locator("#table thead th[aria-sort=none]")
    assert others.count() == report.locator("#table thead th").count() - 1


def test_students_without_a_number_come_last_whichever_way_it_is_sorted(report: Page) -> None:
    waits = report.locator("#table tbody td:nth-child(4)[data-status=needs_marking]")
    assert waits.count(), "nobody waits for marks in this class"
    for _ in range(2):
        report.locator("#table thead button").nth(3).click()
        assert all(one.endswith("\N{EN DASH}") for one in column(report, 4)[-waits.count():])


def test_the_table_is_sorted_by_keyboard_alone(report: Page) -> None:
    report.locator("#filter-status").focus()
    report.keyboard.press("Tab")   # to the button that shows all again
    report.keyboard.press("Tab")   # to the table, which can be scrolled by arrows
    report.keyboard.press("Tab")
    report.keyboard.press("Tab")
    focused = report.locator(":focus")
    assert focused.inner_text() == "Points"
    assert focused.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    report.keyboard.press("Enter")
    assert points(report) == sorted(points(report), reverse=True)
    report.keyboard.press("Space")
    assert points(report) == sorted(points(report))


def test_the_table_is_filtered_by_name_state_and_criterion(report: Page) -> None:
    report.fill("#filter-text", NAMES[3][:4].lower())
    assert column(report, 1) == [one for one in NAMES if NAMES[3][:4].lower() in one.lower()]
    assert "of 25" in report.locator("#count").inner_text()
    report.get_by_role("button", name="Show all").click()   # the page filters a moment later
    expect(report.locator("#table tbody tr:visible")).to_have_count(len(NAMES))
    assert column(report, 1) == NAMES
    report.select_option("#filter-state", "graded")
    graded = [one.student for one in CLASS if one.state == "graded"]
    assert column(report, 1) == sorted(graded, key=str.casefold)
    report.select_option("#filter-criterion", label="accuracy")
    report.select_option("#filter-status", "passed")
    passed = [one.student for one in CLASS if one.state == "graded"
              and one.criteria[-1].verdict.status == "passed"]
    assert 0 < len(passed) < len(graded)
    assert column(report, 1) == sorted(passed, key=str.casefold)


PEOPLE = {
    one.student: Person(one.student, f"{one.student.split('-')[0]} Nobody-{number}",
                        section="AB"[number % 2], grader="Xin" if number < 5 else "Yve")
    for number, one in enumerate(CLASS)
}


def pair_of(*students: str) -> Pair:
    left, right = (Side((one,), one, 0.7, ()) for one in students)
    return Pair(200, left, right)


# Both of section A; of A and B.
PAIRS = (pair_of(*(CLASS[number].student for number in (0, 2))),
         pair_of(*(CLASS[number].student for number in (0, 1))))


@pytest.fixture
def listed(page: Page, tmp_path: Path) -> Page:
    """The report of a class whose roster has names and sections, and some of whom were late."""
    rows = [
        row_of(one, PEOPLE[one.student], Lateness(0.1, (), 1 + number % 2 if number < 5 else 0))
        for number, one in enumerate(CLASS)
    ]
    path = tmp_path / "report.html"
    report = summarize(HOMEWORK, rows, PEOPLE, 0, running=False, similar=PAIRS)
    path.write_text(render(report, NOW), "utf-8")
    page.goto(path.as_uri())
    return page


def test_students_have_their_names_and_are_found_by_name_and_by_key(listed: Page) -> None:
    first = listed.locator("#table tbody tr").first
    assert " Nobody-" in first.inner_text()
    assert " Nobody-" in listed.locator("#attention .people a").first.inner_text()
    for words in (PEOPLE[NAMES[3]].name, NAMES[3]):
        listed.fill("#filter-text", words.upper())
        expect(listed.locator("#table tbody tr:visible")).to_have_count(1)
    listed.fill("#filter-text", "")
    listed.get_by_role("button", name="Hide names").click()
    assert "Nobody" not in listed.inner_text("body") and names_in(listed.inner_text("body")) == []
    listed.fill("#filter-text", NAMES[3])
    expect(listed.locator("#table tbody tr:visible")).to_have_count(0)


def test_a_section_narrows_the_table_and_the_lists(listed: Page) -> None:
    listed.select_option("#section", "B")
    expect(listed.locator("#table tbody tr:visible")).to_have_count(12)
    people = {one.name: one.section for one in PEOPLE.values()}
    listed.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    findings = listed.locator(".findings > li:visible")
    assert findings.count()
    for index in range(findings.count()):
        shown = findings.nth(index).locator(".people > li:visible a").all_inner_texts()
        assert shown and {people[name] for name in shown} == {"B"}
        assert findings.nth(index).locator("strong").first.inner_text() == str(len(shown))
    pairs = listed.locator(".pairs > li:visible")
    expect(pairs).to_have_count(1)
    assert all(PEOPLE[CLASS[number].student].name in pairs.inner_text() for number in (0, 1))
    assert pairs.locator("a").first.get_attribute("href") == "similar.html#pair-2"
    listed.select_option("#grader", "Xin")
    expect(listed.locator("#table tbody tr:visible")).to_have_count(2)
    listed.get_by_role("button", name="Show all").click()
    expect(listed.locator("#table tbody tr:visible")).to_have_count(len(NAMES))


def test_the_progress_of_sections_and_graders_is_told(listed: Page) -> None:
    table = listed.get_by_role("region", name="Progress")
    rows = [" ".join(row.split()[:3]) for row in table.locator("tbody tr").all_inner_texts()]
    assert rows == ["Section A 13", "Section B 12", "Grader Xin 5", "Grader Yve 20"]


def test_lateness_has_a_column_that_sorts(listed: Page) -> None:
    heads = listed.locator("#table thead th").all_inner_texts()
    place = [one.strip() for one in heads].index("Late") + 1
    listed.get_by_role("button", name="Late").click()
    assert column(listed, place)[:6] == ["2 days", "2 days", "1 day", "1 day", "1 day", ""]


def test_on_a_phone_every_column_of_every_table_can_be_reached(listed: Page) -> None:
    listed.set_viewport_size({"width": 390, "height": 844})
    listed.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    missed = listed.evaluate("""() => [...document.querySelectorAll('table')].filter(table => {
        const box = table.parentElement;
        box.scrollLeft = 1e6;
        const last = table.tHead.rows[0].cells[table.tHead.rows[0].cells.length - 1];
        return last.getBoundingClientRect().right > box.getBoundingClientRect().right + 1
            || [...table.querySelectorAll('th, td')].some(
                one => one.scrollWidth > one.clientWidth + 1);
    }).map(table => table.caption?.textContent)""")
    assert missed == []


def test_the_accuracy_plot_shows_the_thresholds_and_begins_below_what_it_shows(
    report: Page,
) -> None:
    plot = report.locator("#trainings figure svg").first
    words = plot.locator("text").all_text_contents()
    assert {"full points", "70 % of the points", "40 % of the points"} <= set(words)
    ticks = [int(one.rstrip("%")) for one in words if one.endswith("%")]
    accuracies = [row.training.accuracy for row in map(row_of, CLASS) if row.training]
    lowest = 100 * min(*accuracies, 0.6)
    assert min(ticks) % 10 == 0 and lowest - 12 < min(ticks) < lowest and max(ticks) == 100


def test_the_three_things_that_matter_stand_above_the_fold(report: Page) -> None:
    tiles = report.locator(".tiles a")
    assert tiles.count() == 3
    box = tiles.nth(2).bounding_box()
    assert box is not None and box["y"] + box["height"] < 500
    waiting = sum(one.state != "graded" or bool(one.submission.remarks) for one in CLASS)
    assert f"{waiting} students" in tiles.nth(1).inner_text()
    assert "points" in tiles.nth(2).inner_text() and "is the median" in tiles.nth(0).inner_text()


def names_in(text: str) -> list[str]:
    """Students whose names, or half of them, are in a text."""
    return [one for one in NAMES if re.search(re.escape(one), text, re.IGNORECASE)]


def test_hidden_names_are_nowhere_on_the_page(report: Page) -> None:
    report.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert len(names_in(report.inner_text("body"))) == len(NAMES)
    assert names_in(" ".join(report.locator("svg title").all_text_contents()))
    report.fill("#filter-text", NAMES[0])
    button = report.get_by_role("button", name="Hide names")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert names_in(report.inner_text("body")) == []
    assert names_in(" ".join(report.locator("svg title").all_text_contents())) == []
    assert report.input_value("#filter-text") == ""
    assert report.locator("a[href^=feedback]:visible").count() == 0
    assert "Student" in column(report, 1)[0]
    assert names_in(str(report.locator("body").aria_snapshot())) == []
    button.click()
    assert column(report, 1) == NAMES


def test_a_name_within_a_diagnosis_is_hidden_too(page: Page, tmp_path: Path) -> None:
    why = "The code raised RuntimeError: written by Ada-Lovelace, after ada-lovelace_model"
    failed = Verdict("accuracy", "failed", 0, why)
    one = grade(HOMEWORK, replace(CLASS[0].submission, student="Ada-Lovelace"), [failed])
    path = tmp_path / "report.html"
    path.write_text(html_of([one]), encoding="utf-8")
    page.goto(path.as_uri())
    assert page.inner_text("#diagnoses").lower().count("ada-lovelace") == 3
    page.get_by_role("button", name="Hide names").click()
    assert "ada" not in page.inner_text("body").lower()
    assert "written by …, after …_model" in page.inner_text("#diagnoses")


def test_the_order_of_hidden_names_is_not_that_of_the_alphabet(report: Page) -> None:
    report.get_by_role("button", name="Hide names").click()
    assert column(report, 1) == [f"Student {number}" for number in range(1, 26)]
    lists = report.locator(".people")
    for index in range(lists.count()):
        texts = lists.nth(index).locator(".alias").all_text_contents()
        assert texts == sorted(texts, key=lambda text: int(text.split()[1]))


def test_the_filter_does_not_know_a_hidden_name(report: Page) -> None:
    report.get_by_role("button", name="Hide names").click()
    report.fill("#filter-text", NAMES[0])
    assert column(report, 1) == []
    report.fill("#filter-text", "student 7")
    assert column(report, 1) == ["Student 7"]


def test_hidden_names_stay_hidden_from_the_first_moment_of_the_next_load(report: Page) -> None:
    report.get_by_role("button", name="Hide names").click()
    # What is there when the body begins to be read, before the rest of the script has run.
    report.add_init_script(
        "addEventListener('readystatechange', () => { window.first ??= "
        "document.documentElement.dataset.names; }, true)"
    )
    report.reload()
    assert report.evaluate("window.first") == "hidden"
    assert names_in(report.inner_text("body")) == []


def test_a_run_that_goes_on_says_so_and_loads_itself_with_what_was_set_up(
    page: Page, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(html_of(CLASS[:20], left=5, running=True), encoding="utf-8")
    page.set_viewport_size({"width": 700, "height": 900})
    page.clock.install()
    page.goto(path.as_uri())
    assert "5 left" in page.locator(".running").inner_text()
    page.locator("#table thead button").nth(1).click()
    page.select_option("#filter-state", "graded")
    opened = page.locator("#diagnoses .findings details").first.get_attribute("id")
    page.locator(f"#{opened} summary").click()
    page.locator("#filter-text").focus()
    page.evaluate("document.getElementById('table').parentElement.scrollLeft = 40")
    page.evaluate("scrollTo(0, 700)")
    place = "document.getElementById('marks').getBoundingClientRect().top"
    stood_at = page.evaluate(place)
    page.get_by_role("button", name="Hide names").dispatch_event("click")
    path.write_text(html_of(CLASS), encoding="utf-8")
    with page.expect_navigation():
        page.clock.run_for(20_000)
    assert "25 graded" in page.locator(".running").inner_text()
    assert points(page) == sorted(points(page), reverse=True)
    assert page.input_value("#filter-state") == "graded"
    assert page.locator(f"#{opened}").get_attribute("open") is not None
    assert abs(page.evaluate(place) - stood_at) < 2   # what is read stays where it is
    assert page.evaluate("document.getElementById('table').parentElement.scrollLeft") == 40
    assert page.locator(":focus").get_attribute("id") == "filter-text"
    assert "Student" in column(page, 1)[0]


def test_a_page_that_nobody_follows_and_a_final_one_stay_as_they_are(
    page: Page, file: Path, tmp_path: Path
) -> None:
    running = tmp_path / "report.html"
    running.write_text(html_of(CLASS, left=5, running=True), encoding="utf-8")
    page.clock.install()
    page.goto(running.as_uri())
    page.get_by_role("button", name="Reload automatically").click()
    for path in (running, file):
        if path == file:
            page.goto(path.as_uri())
        page.evaluate("window.same = true")
        page.clock.run_for(120_000)
        assert page.evaluate("window.same")


def test_a_run_that_was_stopped_says_how_many_are_left() -> None:
    html = html_of(CLASS[:20], left=5)
    assert "The run was stopped: 5 not graded yet." in html
    assert "data-running" not in html.partition("<style>")[0]


def test_a_class_without_a_grade_has_a_page(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html_of([], left=25, running=True), encoding="utf-8")
    page.goto(path.as_uri())
    assert "No student is graded yet" in page.inner_text("#marks")
    assert barriers(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_nothing_keeps_anybody_out(
    page: Page, file: Path, scheme: str, width: int
) -> None:
    keeps_nobody_out(page, file, scheme, width)


def test_with_hidden_names_nothing_keeps_anybody_out_either(report: Page) -> None:
    report.get_by_role("button", name="Hide names").click()
    assert barriers(report) == []


def test_on_paper_the_lists_are_open_and_the_buttons_gone(report: Page) -> None:
    report.emulate_media(media="print")
    report.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert report.locator(".findings details:not([open])").count() == 0
    assert not report.locator("#controls").is_visible()
    assert not report.locator("#filters").is_visible()
    report.evaluate("dispatchEvent(new Event('afterprint'))")
    assert report.locator(".findings details[open]").count() == 0


def test_without_a_script_everything_can_be_read(file: Path, page: Page) -> None:
    browser = page.context.browser
    assert browser is not None
    plain = browser.new_page(java_script_enabled=False)
    plain.goto(file.as_uri())
    rows = plain.locator("#table tbody tr")
    assert rows.count() == 25
    assert not plain.locator("#controls").is_visible()


def test_a_class_of_300_stays_under_three_megabytes() -> None:
    html = html_of(made_up_class(300))
    assert len(html.encode()) < 3_000_000
    assert html.count("<tr data-alias=") == 300


def test_the_page_needs_nothing_beside_it() -> None:
    html = html_of(CLASS)
    assert not re.search(r"(?:src|href)=\"(?!#|feedback/)", html)
    assert not re.search(r"url\((?!#)|@import|https?://", html)



def test_the_policy_allows_this_script_and_this_style_and_nothing_else() -> None:
    html = html_of(CLASS)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    hashes = []
    for tag in ("style", "script"):
        (text,) = re.findall(f"(?s)<{tag}>(.*?)</{tag}>", html)
        hashes.append(base64.b64encode(hashlib.sha256(text.encode()).digest()).decode())
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def test_every_plot_has_its_figures_in_a_table_beside_it(report: Page) -> None:
    figures = report.locator("figure:has(svg)")
    assert figures.count() == 2
    for index in range(2):
        assert figures.nth(index).locator("table").count() == 1
        assert figures.nth(index).locator("svg").get_attribute("aria-label")


def test_the_report_says_when_it_was_written() -> None:
    assert "3 May 2027, 14:05 UTC" in html_of(CLASS, now=datetime(2027, 5, 3, 14, 5, tzinfo=UTC))
