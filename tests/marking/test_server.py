"""The server of `grader mark`: who may speak to it, and what is left when it dies."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.marking.classroom import (
    ROOT,
    Classroom,
    Served,
    answer_of,
    command,
    hand_in,
    serving,
    serving_here,
)


@pytest.fixture(scope="module")
def quiet_room(graded_class: Classroom, tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    """A class that several tests share, since none of them saves anything."""
    folder = tmp_path_factory.mktemp("quiet") / "homework"
    shutil.copytree(graded_class.folder, folder)
    return Classroom(folder)


@pytest.fixture(scope="module")
def served(quiet_room: Classroom) -> Iterator[Served]:
    with serving(quiet_room) as found:
        yield found


def key_of(room: Classroom, student: str, criterion: str = "written-a") -> str:
    with room.service() as service:
        return answer_of(service, student, criterion).key


def save(served: Served, criterion: str, key: str, points: float, **more: Any) -> httpx.Response:
    card = served.card(criterion, key)
    body = {"answer": card["answer"], "seen": card["version"], "points": points} | more
    return served.ask(f"/api/answers/{criterion}/{key}/mark", "POST", body)


def test_it_listens_on_this_machine_only(served: Served) -> None:
    assert served.base.startswith("http://127.0.0.1:")
    port = int(served.base.rpartition(":")[2])
    outside = [
        address for found in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)
        if not (address := str(found[4][0])).startswith("127.")
    ]
    for address in outside:
        with pytest.raises(OSError), socket.create_connection((address, port), timeout=2):
            pass


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"X-Grader-Token": ""}, "no token"),
        ({"X-Grader-Token": "x" * 43}, "another token"),
        ({"Host": "grader.example:80"}, "a name that was made to point here"),
        ({"Host": "127.0.0.1:1"}, "another port"),
        ({"Origin": "http://grader.example"}, "another page"),
        ({"Origin": "null"}, "a page without an origin, such as a sandboxed frame"),
        ({"Sec-Fetch-Site": "cross-site"}, "another page's request"),
        ({"Sec-Fetch-Site": "same-site"}, "a page of another port"),
    ],
)
def test_nobody_else_is_answered(served: Served, headers: dict[str, str], why: str) -> None:
    assert served.ask("/api/class").status_code == 200
    assert served.ask("/api/class", **headers).status_code == 403, why


def test_a_page_of_another_origin_cannot_mark(served: Served, quiet_room: Classroom) -> None:
    path = f"/api/answers/written-a/{key_of(quiet_room, 'noether')}/mark"
    plain = {"Content-Type": "text/plain", "X-Grader-Token": ""}
    assert httpx.post(served.base + path, content="{}", headers=plain).status_code == 403
    with quiet_room.service() as service:
        assert service.store.marks() == []


def test_the_page_itself_holds_nothing_and_its_scripts_are_its_own(served: Served) -> None:
    found = httpx.get(served.base)
    policy = found.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["referrer-policy"] == "no-referrer"
    assert found.headers["cache-control"] == "no-store"
    assert "set-cookie" not in found.headers
    assert served.token not in found.text
    assert "noether" not in found.text


def test_no_file_but_its_own_is_served(served: Served) -> None:
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/app.py"):
        assert served.ask(path).status_code == 404
    assert served.ask("/static/main.js").headers["content-type"].startswith("text/javascript")


def test_a_pdf_is_served_in_a_box_and_only_to_who_was_told_where(
    served: Served, quiet_room: Classroom
) -> None:
    card = served.card("written-a", key_of(quiet_room, "wing"))
    found = httpx.get(served.base + card["pdf"])
    assert found.status_code == 200
    assert found.content.startswith(b"%PDF-")
    assert found.headers["content-type"] == "application/pdf"
    assert found.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert found.headers["x-content-type-options"] == "nosniff"
    digest = card["pdf"].rpartition("/")[2]
    assert httpx.get(f"{served.base}/pdf/{'0' * 40}/{digest}").status_code == 404
    assert httpx.get(f"{served.base}/pdf/{'0' * 40}/..%2fgradebook").status_code == 404


def test_a_page_that_says_it_is_a_pdf_is_not_shown(room: Classroom) -> None:
    hand_in(room, "wing", b"<script>fetch('/api/class')</script>", "answers.pdf")
    room.run()
    with serving_here(room) as served:
        card = served.card("written-a", key_of(room, "wing"))
        found = httpx.get(served.base + card["pdf"])
    assert found.headers["content-type"].startswith("text/plain")
    assert b"script" not in found.content


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"points": 1e999}, 422), ({"points": "2"}, 422), ({"points": 3}, 409),
        ({"points": 1, "options": [{"points": 1, "text": "Nobody offers this."}]}, 409),
        ({"points": 1, "options": [0]}, 422), ({"points": 1, "lines": [{"file": 0}]}, 422),
        ({"points": 1, "lines": [{"file": 0, "line": 99, "text": "No such line."}]}, 409),
        ({"points": 1, "comments": [12]}, 409), ({"points": 1, "comment": "x" * 4001}, 422),
        ({"points": 1, "student": "hopper"}, 422), ({"points": 1, "seen": -1}, 422),
        ({"points": 1, "answer": "another"}, 409), ({}, 422), ([], 422), ("x", 422), (None, 422),
    ],
)  # fmt: skip
def test_what_is_no_mark_is_refused(
    served: Served, quiet_room: Classroom, body: Any, status: int
) -> None:
    path = f"/api/answers/written-a/{key_of(quiet_room, 'noether')}"
    card = served.ask(path).json()
    if isinstance(body, dict):
        body = {"answer": card["answer"], "seen": card["version"]} | body
    if body == {"answer": card["answer"], "seen": 0, "points": 1e999}:
        text = '{"answer": "x", "seen": 0, "points": 1e999}'
        headers = {"X-Grader-Token": served.token}
        found = httpx.post(f"{served.base}{path}/mark", content=text, headers=headers)
    else:
        found = served.ask(f"{path}/mark", "POST", body)
    assert found.status_code == status, found.text
    with quiet_room.service() as service:
        assert service.store.marks() == []


def test_more_than_a_mark_is_not_even_read(served: Served, quiet_room: Classroom) -> None:
    path = f"/api/answers/written-a/{key_of(quiet_room, 'noether')}/draft"
    assert served.ask(path, "PUT", {"comment": "x" * 100_000}).status_code == 403


def test_nobody_learns_whose_answers_these_are(served: Served, quiet_room: Classroom) -> None:
    told = served.ask("/api/class").text
    for criterion in ("written-a", "groups", "always"):
        part = served.ask(f"/api/criteria/{criterion}").json()
        told += str(part) + "".join(
            served.ask(f"/api/answers/{criterion}/{one['key']}").text for one in part["answers"]
        )
    students = [path.name for path in quiet_room.hand_ins.iterdir()]
    assert [name for name in students if name in told] == []


def test_names_are_shown_where_they_are_asked_for(room: Classroom) -> None:
    with serving_here(room, names=True) as served:
        part = served.ask("/api/criteria/written-a").json()
        assert "noether" in {one["student"] for one in part["answers"]}


def test_each_marker_has_an_order_of_their_own_that_stays(room: Classroom) -> None:
    orders = []
    for marker in ("ada", "ada", "grace"):
        with serving_here(room, marker) as served:
            part = served.ask("/api/criteria/written-a").json()
            orders.append([(one["key"], one["name"]) for one in part["answers"]])
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2]), "an answer has one name for everybody"


def test_two_servers_on_one_gradebook_lose_nothing_and_show_the_conflict(room: Classroom) -> None:
    key = key_of(room, "noether")
    with serving(room, "ada") as one, serving(room, "grace") as other:
        card = one.card("written-a", key)
        body = {"answer": card["answer"], "seen": card["version"]}
        path = f"/api/answers/written-a/{key}/mark"
        assert one.ask(path, "POST", body | {"points": 2}).json()["state"] == "marked"
        late = other.ask(path, "POST", body | {"points": 1, "comment": "Half of it."}).json()
        assert late["state"] == "conflict"
        assert [mark["marker"] for mark in late["standing"]] == ["ada", "grace"]
        assert one.ask("/api/class").json()["open"][0]["state"] == "conflict"
        assert save(one, "written-a", key, 1.5).json()["state"] == "marked"
        assert len(other.card("written-a", key)["history"]) == 3


def test_a_killed_server_leaves_every_mark_and_the_draft(room: Classroom) -> None:
    keys = [key_of(room, student) for student in ("noether", "hopper", "turing")]
    option = {"points": 1, "text": "Names something peculiar."}
    with serving(room) as served:
        for key in keys[:2]:
            assert save(served, "written-a", key, 1, options=[option]).status_code == 200
        draft = {"points": 0.5, "options": [option], "comments": [], "comment": "not yet"}
        path = f"/api/answers/written-a/{keys[2]}/draft"
        assert served.ask(path, "PUT", draft).status_code == 200
        served.kill()
    with serving(room) as served:
        assert served.card("written-a", keys[0])["standing"][0]["points"] == 1
        assert served.card("written-a", keys[2])["draft"] == draft
        assert save(served, "written-a", keys[2], 0.5).json()["draft"] is None
    assert command("mark", "--out", room.results, "--apply") == 0
    assert room.grades()["noether"]["written-a"]["points"] == 1


def test_a_server_that_ends_writes_grades_and_feedback(room: Classroom) -> None:
    with serving(room) as served:
        option = {"points": 1, "text": "Batch norm stands before the ReLU."}
        save(served, "written-a", key_of(room, "noether"), 1, options=[option])
        assert "grades.csv" in served.end()
    row = room.grades()["noether"]["written-a"]
    assert row["reason"].startswith("Batch norm stands before the ReLU. (+1)")


def test_it_ends_while_a_run_is_at_work_and_says_what_to_do(room: Classroom) -> None:
    from grader.grading.gradebook_file import alone_in

    with serving(room) as served, alone_in(room.results):
        assert save(served, "written-a", key_of(room, "noether"), 1).status_code == 200
        assert "grader mark --apply" in served.end()


def test_an_answer_that_is_handed_in_anew_meanwhile_is_not_marked_for_the_old_one(
    room: Classroom,
) -> None:
    key = key_of(room, "franklin")
    with serving_here(room) as served:
        old = served.card("written-a", key)
        hand_in(room, "franklin", "## (a)\nAfter the ReLU.\n")
        room.run()
        body = {"answer": old["answer"], "seen": old["version"], "points": 2}
        found = served.ask(f"/api/answers/written-a/{key}/mark", "POST", body)
        assert found.status_code == 409
        assert "submitted another answer" in found.json()["error"]
        assert "After" in served.card("written-a", key)["html"]


def test_no_other_user_reads_the_token_off_the_command_that_opens_the_browser(
    room: Classroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    for name in ("xdg-open", "open"):   # Linux's and macOS's
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        script = f'#!/bin/sh\nprintf "%s" "$1" > "{told}.new"; mv "{told}.new" "{told}"\n'
        program.write_text(script)
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with serving(room, "ada", browser=True) as served:
        for _ in range(100):
            if told.exists():
                break
            time.sleep(0.05)
        way = Path(told.read_text(encoding="utf-8"))
        assert served.token not in str(way)
        assert served.address in way.read_text(encoding="utf-8")
        assert way.stat().st_mode & 0o077 == 0
        served.end()
    assert not way.exists()


def test_a_port_that_is_taken_is_named(room: Classroom) -> None:
    with serving(room) as served:
        port = served.base.rpartition(":")[2]
        done = subprocess.run(
            [sys.executable, "-m", "grader", "mark", "--out", str(room.results), "--no-browser",
             "--port", port],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
    assert done.returncode == 2
    assert f"port {port} cannot be used" in done.stderr


def test_a_folder_without_results_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "grader", "mark", "--out", str(tmp_path), "--no-browser"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 2
    assert "nothing was graded into this folder" in done.stderr
