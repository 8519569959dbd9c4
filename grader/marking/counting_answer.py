"""Finds the answer that gives a student the points for a criterion."""

from __future__ import annotations

from grader.grading.history import open_history
from grader.grading.past_grades import past_run
from grader.marking.answers import StudentAnswer
from grader.marking.new_marks import NotAllowed
from grader.marking.service import MarkingService
from grader.rubric.model import did_you_mean


def counting_answer(service: MarkingService, student: str, criterion: str) -> StudentAnswer:
    """The answer of the attempt that counts, which may be a group's.

    Args:
        service: the class.
        student: the student's key.
        criterion: the criterion's id.

    Raises NotAllowed if there is no such criterion, or no grade of this student.
    """
    names = [one.id for one in service.criteria]
    if criterion not in names:
        raise NotAllowed(f"no criterion '{criterion}'{did_you_mean(criterion, names)}")
    with open_history(service.out) as history:
        found = past_run(history).grade_of(student)
    everyone = service.answers(criterion)
    work = found.grade.submission.student if found is not None else None
    for one in everyone:
        if one.student == work:
            return one
    known = sorted({owner for one in everyone for owner in one.submission.owners})
    guess = did_you_mean(student, known).partition(" (allowed")[0]
    raise NotAllowed(f"'{student}' has no grade for {criterion}{guess}")
