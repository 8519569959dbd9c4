"""The marking page in a browser: keyboard only, dark, on a phone, with hostile answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.marking.classroom import Asked, Classroom, answer_of, hand_in, serving, serving_here
from tests.support.looking import barriers


@pytest.fixture
def served(room: Classroom) -> Iterator[Asked]:
    with serving_here(room) as found:
        yield found


def marks(room: Classroom) -> list[tuple[str, float | None, str]]:
    with room.service() as service:
        return [(one.marker, one.points, one.text) for one in service.store.marks()]


def opened(page: Page, served: Asked, criterion: str, key: str = "") -> None:
    """Open the printed address, then a part or an answer."""
    page.goto(served.address)
    expect(page.locator("h1")).to_contain_text("answers")
    page.goto(f"{served.base}/#/part/{criterion}/{key}".rstrip("/"))
    expect(page.locator(".mark-form")).to_be_visible()


def of(room: Classroom, student: str, criterion: str = "written-a") -> str:
    with room.service() as service:
        return answer_of(service, student, criterion).key


def test_five_answers_are_marked_with_keys_alone(
    page: Page, served: Asked, room: Classroom
) -> None:
    page.goto(served.address)
    expect(page.locator("h1")).to_have_text("23 answers to mark")
    page.keyboard.press("Tab")
    page.locator("table a").first.focus()
    page.keyboard.press("Enter")
    seen = []
    for number, keys in enumerate((["1", "2"], ["1"], ["f"], ["0"], ["3", "+"]), start=1):
        expect(page.locator(".steps")).to_contain_text(f"{number - 1} of 8")
        seen.append(page.locator("h1").inner_text())
        for key in keys:
            page.keyboard.press(key)
        if number == 2:
            page.keyboard.press("c")
            page.keyboard.type("Just one thing? j k u 1")
        page.keyboard.press("Enter")
        expect(page.locator(".steps")).to_contain_text(f"{number} of 8")
    assert len(set(seen)) == 5
    assert [points for _, points, _ in marks(room)] == [2, 1, 2, 0, 0.75]
    assert marks(room)[1][2] == "Names something peculiar. (+1)\nJust one thing? j k u 1"


def test_keys_go_back_and_undo(page: Page, served: Asked, room: Classroom) -> None:
    opened(page, served, "written-b")
    first = page.locator("h1").inner_text()
    page.keyboard.press("j")
    expect(page.locator("h1")).not_to_have_text(first)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("h1")).to_have_text(first)
    page.keyboard.press("1")
    expect(page.locator("#points")).to_have_value("3")
    page.keyboard.press("Enter")
    expect(page.locator(".steps")).to_contain_text("1 of 7")
    page.keyboard.press("u")
    expect(page.locator("h1")).to_have_text(first)
    expect(page.locator(".card .state").first).to_have_text("to mark")
    assert [points for _, points, _ in marks(room)] == [3, None]
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()


def test_a_draft_survives_a_reload_and_a_killed_server(page: Page, room: Classroom) -> None:
    key = of(room, "noether")
    with serving(room) as served:
        opened(page, served, "written-a", key)
        page.keyboard.press("2")
        page.keyboard.press("c")
        page.keyboard.type("On second")
        page.reload()
        expect(page.locator("#comment")).to_have_value("On second")
        page.keyboard.press("c")
        page.keyboard.type(" thought")
        expect(page.locator("#kept")).to_have_text("Draft saved.")
        served.kill()
        page.locator("#comment").type("!")
        expect(page.locator("#alert")).to_contain_text("Your draft is not saved")
    with serving(room) as served:
        page.once("dialog", lambda dialog: dialog.accept())
        opened(page, served, "written-a", key)
        expect(page.locator("#comment")).to_have_value("On second thought")
        expect(page.locator("#points")).to_have_value("1")


def test_two_who_mark_the_same_answer_see_both_marks_and_one_decides(
    page: Page, served: Asked, room: Classroom
) -> None:
    key = of(room, "noether")
    opened(page, served, "written-a", key)
    page.keyboard.press("f")
    with serving_here(room, "grace") as other:
        card = other.card("written-a", key)
        body = {"answer": card["answer"], "seen": 0, "points": 1, "comment": "Half of it."}
        assert other.ask(f"/api/answers/written-a/{key}/mark", "POST", body).status_code == 200
    page.keyboard.press("Enter")
    expect(page.locator("#alert")).to_contain_text("Somebody else marked this answer")
    expect(page.locator(".note")).to_contain_text("grace")
    assert barriers(page) == []
    page.get_by_role("button", name="Use 1 point").click()
    expect(page.locator("#comment")).to_have_value("Half of it.")
    page.get_by_role("button", name="Save and next").click()
    expect(page.locator(".steps")).to_contain_text("1 of 8")
    assert [(marker, points) for marker, points, _ in marks(room)] == [
        ("grace", 1), ("ada", 2), ("ada", 1)
    ]


def test_a_dispute_is_flagged_listed_and_settled(
    page: Page, served: Asked, room: Classroom
) -> None:
    room.mark("noether", "written-a", 1)
    opened(page, served, "written-a", of(room, "noether"))
    page.keyboard.press("d")
    page.keyboard.type("Is this not enough?")
    page.keyboard.press("Enter")
    expect(page.locator(".note")).to_contain_text("Is this not enough?")
    page.get_by_role("link", name="Flagged (1)").click()
    expect(page.locator(".open")).to_contain_text("Is this not enough?")
    assert barriers(page) == []
    page.locator(".open a").click()
    expect(page.locator(".mark-form")).to_be_visible()
    page.keyboard.press("f")
    page.keyboard.press("Enter")
    expect(page.locator("#alert")).to_contain_text("say how the flag was resolved")
    page.get_by_label("How the flag was resolved").fill("It is.")
    page.keyboard.press("Enter")
    expect(page.locator("#to-flagged")).to_be_visible()
    expect(page.locator(".note")).to_have_count(0)
    page.get_by_role("link", name="Flagged").click()
    expect(page.locator("main")).to_contain_text("No answer is flagged")


def test_a_comment_is_used_again_and_a_changed_one_changes_no_mark(
    page: Page, served: Asked, room: Classroom
) -> None:
    opened(page, served, "written-b")
    page.get_by_label("Points of a new comment").fill("-0.5")
    page.get_by_label("Text of a new comment").fill("Which loop?")
    page.keyboard.press("Enter")
    expect(page.locator("#points")).to_have_value("3.5")
    page.locator("h1").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".steps")).to_contain_text("1 of 7")
    page.keyboard.press("2")   # after the rubric's one option
    expect(page.locator("#points")).to_have_value("3.5")
    page.get_by_role("button", name="Change: Which loop?").click()
    page.get_by_label("Text").last.fill("In which loop?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("In which loop?", exact=True)).to_be_visible()
    page.locator("h1").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".steps")).to_contain_text("2 of 7")
    assert [text for _, _, text in marks(room)] == [
        "Which loop? (-0.5)", "In which loop? (-0.5)"
    ]


def test_a_hostile_answer_does_nothing(page: Page, served: Asked, room: Classroom) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    for criterion in ("written-a", "written-b"):
        opened(page, served, criterion, of(room, "mallory", criterion))
        page.keyboard.press("t")
        expect(page.locator(".raw")).to_be_visible()
        page.keyboard.press("t")
        for element in page.locator(".answer *").all()[:60]:
            element.dispatch_event("click")
    assert page.evaluate("document.body.dataset.hacked") is None
    assert page.locator(".answer img, .answer script, .answer svg, .answer a").count() == 0
    assert [url for url in asked if not url.startswith(served.base)] == []
    assert complaints == []


def test_a_pdf_is_shown_and_cannot_reach_the_marks(
    page: Page, served: Asked, room: Classroom
) -> None:
    opened(page, served, "written-a", of(room, "wing"))
    frame = page.locator("iframe")
    expect(frame).to_be_visible()
    assert barriers(page) == []
    hand_in(room, "wing", b"%PDF-1.4\n<html><script>fetch('/api/class')</script>", "answers.pdf")
    room.run()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    address = served.card("written-a", of(room, "wing"))["pdf"]
    assert address != frame.get_attribute("src")
    page.evaluate("address => document.querySelector('iframe').src = address", address)
    page.wait_for_timeout(500)
    assert [url for url in asked if "/api/" in url] == []


def test_formulas_of_a_latex_answer_are_drawn(
    page: Page, served: Asked, room: Classroom
) -> None:
    opened(page, served, "written-b", of(room, "lamport", "written-b"))
    box = page.locator("math[display=block]").bounding_box()
    assert box is not None
    assert box["height"] > 30, "a fraction over a root is higher than a line"
    expect(page.locator(".answer code")).to_have_text("model.eval()")
    page.get_by_role("button", name="Show source").click()
    expect(page.locator(".raw")).to_contain_text(r"\frac{x - \mu_B}")


def test_nothing_keeps_people_out(page: Page, served: Asked, room: Classroom) -> None:
    looks = [
        (colours, width, criterion, of(room, student, criterion))
        for criterion, student in (("written-b", "lamport"), ("groups", "noether"))
        for colours in ("light", "dark") for width in (1200, 390)
    ]
    page.emulate_media(reduced_motion="reduce")
    page.goto(served.address)
    expect(page.locator("h1")).to_have_text("23 answers to mark")
    page.locator("summary").click()
    found = barriers(page)
    for colours, width, criterion, key in looks:
        page.emulate_media(color_scheme=colours, reduced_motion="reduce")  # type: ignore[arg-type]  # one of its words
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{served.base}/#/part/{criterion}/{key}")
        expect(page.locator(".mark-form")).to_be_visible()
        page.keyboard.press("f")
        found += barriers(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("?")
    assert found + barriers(page) == []


def test_the_page_says_what_is_wrong_without_its_token(page: Page, served: Asked) -> None:
    page.goto(served.base)
    expect(page.locator("#alert")).to_contain_text("Open the address that `grader mark`")
    assert barriers(page) == []


def test_marks_are_written_into_grades_from_the_page(
    page: Page, served: Asked, room: Classroom
) -> None:
    room.mark("noether", "written-a", 1)
    page.goto(served.address)
    page.get_by_role("button", name="Update grades").click()
    expect(page.locator("#refreshed")).to_contain_text("students=8")
    assert room.grades()["noether"]["written-a"]["points"] == 1
