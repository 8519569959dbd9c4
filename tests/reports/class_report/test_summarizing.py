"""The numbers of the class report, checked against counts by hand."""

from __future__ import annotations

import random
import statistics
from dataclasses import replace
from itertools import pairwise

import pytest

from benchmarks.made_up import made_up_class, rubric
from grader.grading.late_penalty import Lateness
from grader.grading.points import grade as graded
from grader.records import Caution, Grade, TrainingRun, Verdict
from grader.reports.class_report.rows import StudentRow, row_of
from grader.reports.class_report.summarizing import FEWEST, ClassReport, discrimination, summarize
from grader.rubric.model import Rubric
from grader.submissions.roster import Person
from tests.factories import criterion_grade, grade

HOMEWORK = rubric()
IDS = [one.id for one in HOMEWORK.criteria]


def marked(student: str, **verdicts: Verdict | float) -> Grade:
    """A grade with a mark for each criterion, full points where none is given."""
    found = []
    for one in HOMEWORK.criteria:
        given = verdicts.get(one.id.replace("-", "_"), 1.0)
        if isinstance(given, Verdict):
            found.append(replace(given, criterion=one.id))
        else:
            status = "passed" if given == 1 else "partial" if given else "failed"
            found.append(Verdict(one.id, status, given, "A reason."))  # type: ignore[arg-type]
    return graded(HOMEWORK, grade(criterion_grade(), student=student).submission, found, 2.0)


def report_of(*grades: Grade, left: int = 0, homework: Rubric = HOMEWORK) -> ClassReport:
    everyone = [one.student for one in grades]
    return summarize(homework, map(row_of, grades), everyone, left, running=False)


WAITS = Verdict("x", "needs_marking", 0, "12 words, waiting to be marked by a person.")
LOST = Verdict("x", "not_scored", 0, "This could not be graded: the container vanished.")


def test_marks_have_mean_median_and_how_many_are_final() -> None:
    report = report_of(
        marked("a"), marked("b", accuracy=0), marked("c", accuracy=0, written_a=WAITS)
    )
    assert report.max == 60
    assert report.mean == pytest.approx((60 + 26 + 24) / 3)
    assert (report.median, report.final) == (26, 2)
    filled = [(one.low, one.high, one.final, one.open) for one in report.bins
              if one.final + one.open]
    assert filled == [(20, 25, 0, 1), (25, 30, 1, 0), (55, 60, 1, 0)]


@pytest.mark.parametrize("most", [0.3, 1, 7, 60, 100, 1234.5])
def test_every_score_is_in_one_bar(most: float) -> None:
    draw = random.Random(0)
    rows = [
        StudentRow(str(n), draw.uniform(0, most), most, "graded", 0, ()) for n in range(50)
    ] + [StudentRow("none", 0, most, "graded", 0, ()),
         StudentRow("all", most, most, "graded", 0, ())]
    bins = summarize(HOMEWORK, rows, (), 0, running=False).bins
    assert sum(one.final for one in bins) == len(rows)
    assert len(bins) <= 15
    for one, after in pairwise(bins):
        assert one.high == after.low
    for one in bins[:-1]:
        assert one.final == sum(one.low - 1e-9 <= row.score < one.high - 1e-9 for row in rows)


def test_each_criterion_counts_who_passed_failed_waits_and_was_not_scored() -> None:
    report = report_of(
        marked("a"), marked("b", written_a=0), marked("c", written_a=0.5),
        marked("d", written_a=WAITS), marked("e", written_a=LOST),
    )  # fmt: skip
    item = report.criteria[0]
    assert item.counts == {
        "passed": 1, "partial": 1, "failed": 1, "not_attempted": 0, "not_scored": 1,
        "needs_marking": 1,
    }  # fmt: skip
    assert item.share == 0.5   # of the three that have points
    assert report_of(marked("e", written_a=LOST)).criteria[0].share is None


def test_discrimination_leaves_the_criterion_itself_out_of_the_total() -> None:
    draw = random.Random(1)
    grades = [marked(str(n), accuracy=draw.random(), written_a=draw.random()) for n in range(40)]
    rows = [row_of(one) for one in grades]
    shares, rest = [], []
    for one in grades:
        own = next(row for row in one.criteria if row.verdict.criterion == "accuracy")
        assert own.points is not None
        shares.append(own.points / own.max)
        rest.append((one.score - own.points) / (60 - own.max))
    found = discrimination("accuracy", rows)
    assert found == pytest.approx(statistics.correlation(shares, rest))
    with_itself = statistics.correlation(shares, [one.score for one in grades])
    assert with_itself > 0.9 > abs(found or 0)


def test_discrimination_says_nothing_where_it_is_not_defined() -> None:
    everybody = [row_of(marked(str(n), accuracy=n / 40)) for n in range(40)]
    assert discrimination("written-a", everybody) is None   # all have the same
    assert discrimination("accuracy", everybody) is None    # the rest is the same for all
    few = [row_of(marked(str(n), accuracy=n / 40, written_a=n / 40)) for n in range(FEWEST - 1)]
    assert discrimination("accuracy", few) is None
    alone = [row_of(grade(criterion_grade(points=n), student=str(n))) for n in range(5)] * 4
    assert discrimination("an-id", alone) is None           # there is no rest


def test_the_commonest_diagnosis_comes_first_with_who_has_it_once() -> None:
    syntax = Verdict("x", "failed", 0, "The code raised SyntaxError (a.py, line 3). More of it.")
    report = report_of(
        marked("a", accuracy=syntax, mode_switch=syntax),
        marked("b", accuracy=replace(syntax, reason="The code raised SyntaxError (b.py, line 7).")),
        marked("c", mode_switch=Verdict("x", "partial", 0.5, "Eval mode is missing.")),
    )  # fmt: skip
    first, second = report.diagnoses
    assert first.text == "The code raised SyntaxError (…)."
    assert [one.student for one in first.who] == ["a", "b"]
    assert set(first.criteria) == {"mode-switch", "accuracy"}
    assert first.who[0].anchor == "#criterion-6"   # as the student's page counts
    assert [one.student for one in second.who] == ["c"]


def test_whoever_a_person_must_look_at_is_listed_with_why() -> None:
    doubt = replace(WAITS, reason="A person looks at it.", seen={"would_earn": 0.7})
    seen = {"disagrees": True, "reported_accuracy": 0.971, "validation_accuracy": 0.8}
    caution = TrainingRun((), (), cautions=(Caution("The loss is NaN from step 3 on.", "", ""),))
    slow = replace(doubt, reason="Still going on.", seen={"would_earn": 0.7, "unfinished": True})
    remarked = marked("e")
    remarked = replace(
        remarked, submission=replace(remarked.submission, remarks=("a.py:3 reaches for C",))
    )
    report = report_of(
        marked("a", accuracy=LOST), marked("b", accuracy=doubt), marked("c", written_a=WAITS),
        marked("d", accuracy=Verdict("x", "partial", 0.5, "So so.", seen=seen, run=caution)),
        remarked, marked("g", accuracy=slow),
        replace(marked("f"), notes=("The time of submission is not known.",)),
    )  # fmt: skip
    told = {
        concern.kind: (concern.findings[0].text, [one.student for one in concern.findings[0].who])
        for concern in report.concerns
    }
    assert list(told)[:2] == ["not_scored", "slow"]
    assert told == {
        "not_scored": (LOST.reason, ["a"]),
        "slow": ("Still going on.", ["g"]),
        "doubt": ("A person looks at it.", ["b"]),
        "remark": ("a.py:3 reaches for C", ["e"]),
        "disagreement": ("The code reports 97.1% on the validation images, the grader computes "
                         "80.0%.", ["d"]),
        "waiting": ("Written answer to 1(a).", ["c"]),
        "caution": ("The loss is NaN from step 3 on.", ["d"]),
        "note": ("The time of submission is not known.", ["f"]),
    }  # fmt: skip


def test_only_what_waits_for_a_person_is_said_to_need_one() -> None:
    caution = TrainingRun((), (), cautions=(Caution("The loss is NaN.", "", ""),))
    report = report_of(
        marked("a", accuracy=Verdict("x", "passed", 1, "Right.", run=caution)),
        replace(marked("b"), notes=("Attempt 2 of 2 counts: the last one.",)),
        marked("c", written_a=WAITS), marked("d", written_a=0.5),
    )  # fmt: skip
    assert [one.kind for one in report.for_a_person] == ["waiting"]
    assert [one.kind for one in report.observations] == ["caution", "note"]
    assert report.waiting == 1


def test_a_student_is_listed_once_however_many_criteria_wait() -> None:
    doubt = replace(WAITS, reason="A person looks at it.", seen={"would_earn": 0.7})
    lacks = replace(WAITS, reason="Your code could not be run here: no display.")
    report = report_of(
        marked("a", written_a=WAITS, written_b=WAITS, written_d=WAITS),
        marked("b", written_a=WAITS, written_b=WAITS, written_d=WAITS),
        marked("c", accuracy=doubt, mode_switch=doubt),
        marked("d", accuracy=LOST, mode_switch=LOST, optimizer_groups=LOST),
        marked("e", accuracy=lacks, mode_switch=lacks), marked("f", written_a=WAITS),
    )  # fmt: skip
    told = {
        finding.text: ([one.student for one in finding.who], finding.criteria)
        for concern in report.for_a_person for finding in concern.findings
    }
    assert told == {
        "Written answers to 1(a), 1(b), 1(d).": (
            ["a", "b"], ("written-a", "written-b", "written-d")),
        "A person looks at it.": (["c"], ("mode-switch", "accuracy")),
        LOST.reason: (["d"], ("mode-switch", "optimizer-groups", "accuracy")),
        lacks.reason: (["e"], ("mode-switch", "accuracy")),
        "Written answer to 1(a).": (["f"], ("written-a",)),
    }  # fmt: skip


def test_points_that_a_person_gave_are_no_diagnosis() -> None:
    by_hand = Verdict("x", "partial", 0.5, "I liked it. Graded manually.", seen={"marked": {}})
    report = report_of(
        marked("a", accuracy=by_hand), marked("b", written_a=replace(by_hand, status="failed")),
        marked("c", accuracy=Verdict("x", "failed", 0, "Too low.")),
    )  # fmt: skip
    assert [(one.text, one.lost) for one in report.diagnoses] == [("Too low.", 34)]


def test_what_cost_the_class_most_points_comes_first() -> None:
    cheap = Verdict("x", "failed", 0, "Part (a) is blank.")
    report = report_of(
        *(marked(name, written_a=cheap) for name in "abc"),
        marked("d", accuracy=Verdict("x", "partial", 0.5, "Too low.")),
    )
    assert [(one.text, one.lost) for one in report.diagnoses] == [
        ("Too low.", 17), ("Part (a) is blank.", 6),
    ]  # fmt: skip


@pytest.mark.parametrize(("count", "alarm"), [(12, False), (150, True)])
def test_a_negative_discrimination_alarms_only_beyond_twice_its_standard_error(
    count: int, alarm: bool
) -> None:
    draw = random.Random(5)
    skills = [draw.random() for _ in range(count)]
    rows = [
        marked(str(n), accuracy=skill,
               written_a=min(1.0, max(0.0, 0.5 + 0.4 * (0.5 - skill) + draw.gauss(0, 0.25))))
        for n, skill in enumerate(skills)
    ]  # fmt: skip
    item = report_of(*rows).criteria[0]
    assert item.discrimination is not None and item.error is not None
    assert item.discrimination < 0 and item.misleads is alarm
    expected = ((1 - item.discrimination**2) / (count - 2)) ** 0.5
    assert item.error == pytest.approx(expected)


def test_students_have_the_rosters_names_and_namesakes_their_keys_too() -> None:
    people = {"b1": Person("b1", "Ada Byron", section="A"), "b2": Person("b2", "Ada Byron"),
              "c": Person("c", "Zoë Adams", section="B")}  # fmt: skip
    rows = [row_of(marked(key), people.get(key)) for key in ("c", "b1", "b2", "nobody")]
    report = summarize(HOMEWORK, rows, people, 0, running=False)
    assert report.names == {
        "b1": "Ada Byron (b1)", "b2": "Ada Byron (b2)", "c": "Zoë Adams", "nobody": "nobody",
    }  # fmt: skip
    assert [one.student for one in report.rows] == ["b1", "b2", "nobody", "c"]
    assert report.sections == ("A", "B")


def test_lateness_is_a_column_and_no_note() -> None:
    late = Lateness(0.1, ("Late by 1 day: 10% penalty.", "Submitted on Monday."), 1)
    one = replace(marked("a"), notes=(*late.notes, "big.zip was left out."), late_penalty=6.0)
    row = row_of(one, late=late)
    assert (row.days_late, row.late_penalty) == (1, 6.0)
    assert [flag.text for flag in row.flags] == ["big.zip was left out."]
    untimed = Lateness(0.0, ("The submission time is not known, so there is no late penalty.",))
    assert row_of(replace(one, notes=untimed.notes), late=untimed).flags[0].text == untimed.notes[0]


def test_what_was_marked_by_a_person_waits_no_more() -> None:
    report = report_of(marked("a", written_a=Verdict("x", "partial", 0.5, "Half of it.")))
    assert report.concerns == ()
    assert report.final == 1


def test_a_code_that_gave_no_answer_has_failed_and_one_that_lacks_a_function_has_not() -> None:
    late = Verdict("x", "failed", 0, "Too late.", seen={"outcome": "time_limit"})
    missing = replace(late, seen={"outcome": "not_found"})
    refused = marked("c")
    refused = replace(refused, submission=replace(refused.submission, refused="A bomb."))
    report = report_of(marked("a", accuracy=late), marked("b", accuracy=missing), refused)
    assert [(one.row.student, one.outcomes, one.criteria) for one in report.failed] == [
        ("a", ("time_limit",), ("accuracy",)), ("c", (), ())
    ]  # fmt: skip


def test_numbers_that_stand_for_names_stay_the_same_and_are_not_in_the_names_order() -> None:
    grades = made_up_class(40)
    everyone = [one.student for one in grades]
    early = summarize(HOMEWORK, map(row_of, grades[:3]), everyone, 37, running=True)
    late = summarize(HOMEWORK, map(row_of, grades), everyone, 0, running=False)
    assert early.aliases == late.aliases
    assert sorted(late.aliases.values()) == list(range(1, 41))
    assert [late.aliases[one] for one in sorted(everyone)] != list(range(1, 41))


def test_what_is_not_a_number_is_no_training() -> None:
    for accuracy in (float("nan"), "0.9", None, True):
        seen = {"hidden_accuracy": accuracy, "seconds": 3.0}
        one = row_of(marked("a", accuracy=Verdict("x", "failed", 0, "No.", seen=seen)))
        assert one.training is None
