"""The marking page by the roster's sections and graders."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.marking.classroom import Classroom, serving_here
from tests.support.looking import barriers

ROSTER = """\
student,section,grader
noether,A <b>,ada
hopper,A <b>,grace
turing,B,ada
curie,B,
"""


def test_a_section_is_marked_alone_and_each_share_has_its_progress(
    page: Page, room: Classroom
) -> None:
    (room.results / "roster.csv").write_text(ROSTER, encoding="utf-8")
    room.mark("noether", "written-a", 1)
    with serving_here(room) as served:
        told = served.ask("/api/class").json()
        assert told["shares"] == ["Section A <b>", "Section B", "Grader ada", "Grader grace"]
        own = {name: one["by_hand"] for name, one in told["criteria"][0]["shares"].items()}
        assert [*own.values()] == [2, 2, 2, 1]
        page.goto(served.address)
        expect(page.locator("h1")).to_have_text("22 answers to mark")
        page.get_by_label("Show").select_option("Section A <b>")
        expect(page.locator("h1")).to_have_text("5 answers to mark")
        page.get_by_text("Progress by section and grader").click()
        expect(page.get_by_role("row", name="Grader ada")).to_contain_text("1 of 6")
        expect(page.get_by_role("row", name="Grader grace")).to_contain_text("0 of 3")
        assert barriers(page) == []
        page.get_by_role("link", name="1(a)").click()
        expect(page.locator(".steps")).to_contain_text("1 of 2")
        page.keyboard.press("f")
        page.keyboard.press("Enter")
        expect(page.locator(".steps")).to_contain_text("2 of 2")
    with room.service() as service:
        assert {one.student for one in service.store.marks()} == {"noether", "hopper"}


def test_a_class_of_one_section_has_no_choice_of_shares(room: Classroom) -> None:
    (room.results / "roster.csv").write_text(
        "student,section\nnoether,A\nhopper,A\n", encoding="utf-8"
    )
    with serving_here(room) as served:
        assert served.ask("/api/class").json()["shares"] == []
