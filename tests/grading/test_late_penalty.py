"""The late policy: zones and their clocks, grace, days, the last day, extensions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from grader.checks.check import NoParams
from grader.errors import RubricError
from grader.grading.late_penalty import Lateness, due_of, lateness
from grader.records import Submission
from grader.rubric.class_lists import read_extensions, read_groups
from grader.rubric.late_policy import Late
from grader.rubric.load import load
from grader.rubric.local_time import is_after
from tests.factories import submission

NEW_YORK = "America/New_York"
HOMEWORK = """\
title: Homework
total: 1
cap: 1
late:
  due: 2026-11-30 23:59
  zone: America/New_York
  extensions: more-time.csv
groups: groups.csv
criteria:
  - {id: a, title: A, part: "1", points: 1, check: none}
"""


def policy(**keys: Any) -> Late:
    return Late.model_validate({"due": "2026-11-30 23:59", "zone": NEW_YORK, **keys})


def handed_in(at: str | None, late: bool = False) -> Submission:
    time = None if at is None else datetime.fromisoformat(at)
    return submission(submitted_at=time, marked_late=late)


def late(policy: Late, at: str | None) -> Lateness:
    return lateness(policy, "ada", handed_in(at))


@pytest.mark.parametrize(
    ("due", "moment"),
    [
        ("2026-10-31 23:59", "2026-11-01T03:59:00+00:00"),   # summer
        ("2026-11-01 23:59", "2026-11-02T04:59:00+00:00"),   # winter, from 2:00 on
        ("2026-11-01 01:30", "2026-11-01T06:30:00+00:00"),   # there twice: the second
        ("2026-03-08 02:30", "2026-03-08T07:30:00+00:00"),   # not there: the later
    ],
)
def test_a_zone_s_clock_is_told_in_summer_and_in_winter(due: str, moment: str) -> None:
    assert due_of(policy(due=due), "ada").astimezone(UTC) == datetime.fromisoformat(moment)


def test_an_offset_and_a_zone_say_the_same_or_are_refused() -> None:
    offset = policy(due="2026-11-30T23:59:00-05:00", zone=None)
    assert due_of(offset, "ada").astimezone(UTC) == due_of(policy(), "ada").astimezone(UTC)
    assert policy(due="2026-11-30T23:59:00-05:00")
    with pytest.raises(ValueError, match=r"offset of .* at that time is -0500, not -0400"):
        policy(due="2026-11-30T23:59:00-04:00")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"zone": None}, "no time zone"),
        ({"zone": "America/NewYork"}, "did you mean 'America/New_York'"),
        ({"due": "2026-11-30"}, "expected a date and a time"),
        ({"due": 1796083140}, "expected a date and a time"),
        ({"until": "2026-11-30 12:00"}, "it is before 'due'"),
        ({"extensions": [{"student": "ada", "due": "2025-12-02 12:00"}]},
         "before the deadline of the class"),
        ({"extensions": [{"student": "ada"}]}, "give either 'due', or 'days' and 'hours'"),
    ],
)
def test_what_nobody_can_go_by_is_refused(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        policy(**keys)


@pytest.mark.parametrize(
    ("at", "days"),
    [
        ("2026-10-31T23:59:00-04:00", 0),
        ("2026-10-31T23:59:01-04:00", 1),
        ("2026-11-01T23:59:00-05:00", 1),   # 25 hours later, and a day by the clock
        ("2026-11-01T23:59:01-05:00", 2),
        ("2026-11-02T04:59:00+00:00", 1),
    ],
)
def test_a_day_is_one_by_the_clock_when_the_clock_is_set_back(at: str, days: int) -> None:
    assert late(policy(due="2026-10-31 23:59"), at).share == pytest.approx(0.1 * days)


@pytest.mark.parametrize(
    ("at", "share"), [("2026-03-08T22:59:59-04:00", 0.1), ("2026-03-08T23:59:01-04:00", 0.2)]
)
def test_a_day_of_23_hours_is_one(at: str, share: float) -> None:
    assert late(policy(due="2026-03-07 23:59"), at).share == pytest.approx(share)


def test_an_hour_that_the_clock_shows_twice_is_two_hours() -> None:
    """Due in the first of them would be 5:30 by UTC; it is meant to be in the second."""
    due = policy(due="2026-11-01 01:30")
    assert late(due, "2026-11-01T06:30:00+00:00").share == 0
    assert late(due, "2026-11-01T06:30:01+00:00").share == pytest.approx(0.1)
    # 1:45 of summer's time is before 1:30 of winter's, whatever the clock says.
    assert late(due, "2026-11-01T05:45:00+00:00").share == 0
    on_the_same_clock = datetime(2026, 11, 1, 1, 45, tzinfo=ZoneInfo(NEW_YORK), fold=0)
    assert not is_after(on_the_same_clock, due_of(due, "ada"))


def test_grace_reaches_over_the_hour_that_is_skipped() -> None:
    due = policy(due="2026-03-08 01:50", grace_minutes=20)
    assert late(due, "2026-03-08T03:10:00-04:00").share == 0
    assert late(due, "2026-03-08T03:10:01-04:00").share == pytest.approx(0.1)


def test_after_the_last_moment_nothing_is_earned() -> None:
    due = policy(until="2026-12-02 12:00", max_days=9)
    assert late(due, "2026-12-02T12:00:00-05:00").share == pytest.approx(0.2)
    found = late(due, "2026-12-02T12:00:01-05:00")
    assert found.share == 1
    assert found.notes[-1].endswith("Nothing is earned after 2 December 2026, 12:00 EST.")


def test_feedback_says_how_a_penalty_came_about() -> None:
    assert late(policy(grace_minutes=15), "2026-12-02T05:20:00+00:00").notes == (
        "Late by 2 days: 20% penalty.",
        "Submitted on 2 December 2026, 00:20 EST, due on 30 November 2026, 23:59 EST and 15 "
        "minutes of grace: 1 day and 6 minutes late.",
    )
    assert late(policy(max_days=1), "2026-12-02T05:20:00+00:00").notes[1].endswith(
        "More than 1 day late earns no points."
    )


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("23:59:01-05:00", "Submitted on 30 November 2026, 23:59:01 EST, due on 30 November 2026, "
                           "23:59 EST: 1 second late."),
        ("23:59:00.250-05:00", "0.25 seconds late."),
        ("23:59:59-05:00", "59 seconds late."),
    ],
)  # fmt: skip
def test_seconds_are_shown_where_they_decide(at: str, told: str) -> None:
    found = late(policy(), f"2026-11-30T{at}")
    assert found.share == pytest.approx(0.1)
    assert found.notes[-1].endswith(told)


def test_seconds_are_shown_where_they_begin_another_day_and_with_an_extension() -> None:
    second_day = late(policy(), "2026-12-01T23:59:01-05:00")
    assert second_day.notes[0] == "Late by 2 days: 20% penalty."
    assert "1 December 2026, 23:59:01 EST" in second_day.notes[1]
    assert second_day.notes[1].endswith("1 day and 1 second late.")
    given = policy(extensions=[{"student": "ada", "due": "2026-12-01 23:59:59"}])
    in_time, too_late = (late(given, f"2026-12-0{day}:00-05:00") for day in ("1T23:59", "2T00:00"))
    assert in_time.notes == ("You have an extension until 1 December 2026, 23:59:59 EST.",)
    assert too_late.notes[-1].endswith("1 second late.")


def test_no_second_is_shown_that_is_not_there() -> None:
    told = late(policy(), "2026-12-02T12:00:00-05:00").notes[-1]
    assert told == ("Submitted on 2 December 2026, 12:00 EST, due on 30 November 2026, 23:59 EST: "
                    "1 day, 12 hours and 1 minute late.")


def test_how_late_is_right_where_the_clock_repeats_an_hour() -> None:
    due = policy(due="2026-11-01 01:59")   # the second of the two, by the rule above
    assert late(due, "2026-11-01T07:00:00+00:00").notes[-1].endswith("EST: 1 minute late.")
    first = policy(due="2026-11-01T01:59:00-04:00", zone=None)
    assert late(first, "2026-11-01T06:00:00+00:00").notes[-1].endswith("1 minute late.")


@pytest.mark.parametrize(
    ("extension", "due"),
    [
        ({"days": 2}, "2026-12-02T23:59:00-05:00"),
        ({"days": 1, "hours": 12}, "2026-12-02T11:59:00-05:00"),
        ({"due": "2026-12-04 12:00"}, "2026-12-04T12:00:00-05:00"),
        ({"due": "2026-12-04T12:00:00+01:00"}, "2026-12-04T06:00:00-05:00"),
    ],
)
def test_an_extension_moves_one_student_s_due_date(extension: dict[str, Any], due: str) -> None:
    given = policy(extensions=[{"student": "ada", **extension}])
    assert due_of(given, "ada") == datetime.fromisoformat(due)
    assert due_of(given, "grace") == datetime.fromisoformat("2026-11-30T23:59:00-05:00")


def test_days_of_an_extension_are_days_by_the_clock() -> None:
    given = policy(due="2026-10-31 23:59", extensions=[{"student": "ada", "days": 1}])
    assert due_of(given, "ada").astimezone(UTC) == datetime(2026, 11, 2, 4, 59, tzinfo=UTC)


def test_an_extension_is_told_and_its_reason_is_not() -> None:
    given = policy(extensions=[{"student": "ada", "days": 1, "reason": "ill"}])
    in_time, too_late = (late(given, f"2026-12-0{day}T12:00:00-05:00") for day in (1, 2))
    assert in_time == Lateness(0.0, ("You have an extension until 1 December 2026, 23:59 EST.",))
    assert too_late.share == pytest.approx(0.1)
    assert "due on 1 December 2026" in too_late.notes[-1]
    assert not any("ill" in note for note in (*in_time.notes, *too_late.notes))


def test_an_extension_reaches_beyond_the_last_moment_of_the_others() -> None:
    given = policy(until="2026-12-02 12:00", extensions=[{"student": "ada", "days": 9}])
    assert late(given, "2026-12-09T12:00:00-05:00").share == 0
    too_late = late(given, "2026-12-10T12:00:00-05:00")
    assert too_late.share == 1
    assert too_late.notes[-1].endswith("Nothing is earned after 9 December 2026, 23:59 EST.")
    assert lateness(given, "grace", handed_in("2026-12-02T13:00:00-05:00")).share == 1


def test_a_time_that_nobody_knows_costs_nothing_and_canvas_s_word_is_told() -> None:
    found = lateness(policy(), "ada", handed_in(None, late=True))
    assert found.share == 0
    assert found.notes == ("This is marked as late, but its submission time is not known, so there "
                           "is no late penalty.",)


# The files that a rubric names ------------------------------------------------------------------


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,days\nada,1\n", ":1: no column 'student'"),
        ("student,day\nada,1\n", ":1: the column 'day' is not known; did you mean 'days'?"),
        ("student,days\nada,1\n\ngrace,one\n", ":4: days: expected a number, found 'one'"),
        ("student,days\nada,1\ngrace,-1\n", ":3: days: expected 0 or more, found '-1'"),
        ("student,days\nada,\n", ":2: give either 'due', or 'days' and 'hours'"),
        ("student,due,days\nada,2026-12-01 12:00,1\n", ":2: give either"),
        ("student,due\nada,2026-12-01\n", ":2: due: expected a date and a time"),
        ("student,due\nada,tomorrow: noon\n", ":2: due: expected a date and a time, such as"),
        ("student,days\n,1\n", ":2: student: this key is missing"),
        ("student,days\nada,1\nAda,2\n", ":3: 'Ada' has an extension above; keep one"),
        ("student,days\nada,1,ill\n", ":2: more fields than the first line has"),
        ("student,due\nada,2026-12-01 12:00\ngrace,2025-12-01 12:00\n",
         ":3: due: 2025-12-01 12:00 is before the deadline of the class; is the date right?"),
    ],
)
def test_a_mistake_among_extensions_is_told_with_its_line(
    tmp_path: Path, text: str, told: str
) -> None:
    path = written(tmp_path / "extensions.csv", text)
    with pytest.raises(RubricError) as refused:
        read_extensions(path, policy())
    assert str(refused.value).startswith(f"{path}{told}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("student\nada\n", ":1: no column 'group'"),
        ("group,student\na,ada\na,\n", ":3: no student"),
        ("group,student\n,ada\n", ":2: no group"),
        ("group,student\na,ada\nb,ADA\n", ":3: 'ADA' is in group 'a' already; keep one"),
    ],
)
def test_a_mistake_among_groups_is_told_with_its_line(
    tmp_path: Path, text: str, told: str
) -> None:
    path = written(tmp_path / "groups.csv", text)
    with pytest.raises(RubricError) as refused:
        read_groups(path)
    assert str(refused.value).startswith(f"{path}{told}")


def test_a_rubric_reads_the_files_that_it_names(tmp_path: Path) -> None:
    written(tmp_path / "more-time.csv", "student,due,days,hours,reason\nada,,2,,ill\n")
    written(tmp_path / "groups.csv", "group,student\na,ada\na,grace\n")
    rubric = load(written(tmp_path / "rubric.yaml", HOMEWORK), lambda files: {"none": NoParams})
    assert rubric.late is not None and rubric.teams == {"a": ("ada", "grace")}
    due = due_of(rubric.late, "ada")
    assert due == datetime(2026, 12, 2, 23, 59, tzinfo=ZoneInfo(NEW_YORK))
    assert due - due_of(rubric.late, "grace") == timedelta(days=2)


@pytest.mark.parametrize(
    "due",
    ["2026-11-30T23:59:00-05:00", "2026-11-30 23:59:00 -05:00", "2026-12-01T04:59:00Z",
     "2026-11-30 23:59", "2026-11-30 23:59:00", '"2026-11-30T23:59:00-05:00"'],
)  # fmt: skip
def test_yaml_s_own_times_are_the_same_moment(tmp_path: Path, due: str) -> None:
    text = HOMEWORK.replace("2026-11-30 23:59", due).replace("  extensions: more-time.csv\n", "")
    text = text.replace("groups: groups.csv\n", "")
    if due.endswith("Z"):   # a zone beside it would be another clock
        text = text.replace("  zone: America/New_York\n", "")
    rubric = load(written(tmp_path / "rubric.yaml", text), lambda files: {"none": NoParams})
    assert rubric.late is not None
    assert due_of(rubric.late, "ada").astimezone(UTC) == datetime(2026, 12, 1, 4, 59, tzinfo=UTC)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RubricError, match=r"more-time\.csv: cannot be read: .*No such file"):
        load(written(tmp_path / "rubric.yaml", HOMEWORK), lambda files: {"none": NoParams})
