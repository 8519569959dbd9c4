"""Several people at one server of `grader mark`, each with a name of their own."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from playwright.sync_api import Page, expect

from tests.marking.classroom import Asked, Classroom, answer_of, serving_here


def save(served: Asked, card: dict[str, Any], points: float, marker: str) -> int:
    body = {"answer": card["answer"], "seen": card["version"], "points": points}
    path = f"/api/answers/written-a/{card['key']}/mark"
    return served.ask(path, "POST", body, **{"X-Grader-Marker": quote(marker)}).status_code


def test_two_at_one_server_lose_no_mark_and_see_who_differs(room: Classroom) -> None:
    with serving_here(room) as served:
        with room.service() as service:
            key = answer_of(service, "noether", "written-a").key
        card = served.card("written-a", key)
        draft = f"/api/answers/written-a/{key}/draft"
        assert served.ask(draft, "PUT", {"comment": "mine"}).status_code == 200
        assert save(served, card, 1, "Zoë\n<b>") == 200
        assert served.card("written-a", key)["draft"] == {"comment": "mine"}
        assert save(served, card, 2, "") == 200
        found = served.card("written-a", key)
        assert found["state"] == "conflict"
        assert [one["marker"] for one in found["standing"]] == ["Zoë <b>", "ada"]
        assert save(served, found, 1.5, "grace") == 200
        body = {"answer": found["answer"], "seen": found["version"]}
        undo = served.ask(f"/api/answers/written-a/{key}/undo", "POST", body)
        assert (undo.status_code, "not yours" in undo.text) == (409, True)
        assert served.card("written-a", key)["state"] == "marked"


def test_a_name_that_the_page_was_given_is_kept_in_that_tab(
    page: Page, room: Classroom
) -> None:
    with serving_here(room) as served:
        page.goto(served.address)
        page.get_by_role("button", name="Change name").click()
        page.get_by_label("Name, for other markers").fill("Grâce")
        page.keyboard.press("Enter")
        expect(page.locator(".lead")).to_contain_text("You mark as Grâce")
        page.reload()
        expect(page.locator(".lead")).to_contain_text("You mark as Grâce")
        assert served.ask("/api/class").json()["marker"] == "ada"
