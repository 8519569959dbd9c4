"""What a run remembers of answers: those that were given before under the same conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.checks.early_stopping import stopped_for_sure
from grader.records import Evidence, Question, Submission
from grader.run.cache.evidence import EvidenceCache
from grader.run.provenance.fingerprints import answer_keys


@dataclass(frozen=True)
class Recall:
    """`ground` is a digest of all but submission, question and data that an answer depends on.

    What is remembered bears the number of this `run`; what runs before `since` were told is not
    recalled.
    """

    cache: EvidenceCache
    ground: str
    run: int = 0
    since: int = 0

    def look_up(
        self, submission: Submission, questions: Sequence[Question], data: str
    ) -> dict[str, Evidence]:
        """The answers that are known, by question id; `data` is a digest of what the code finds."""
        found: dict[str, Evidence] = {}
        rules, keys = _rules(questions), self.keys(submission, questions, data)
        for question in questions if keys else ():
            key = keys[question.id]
            under = [key, key + rules[question.session]] if question.session in rules else [key]
            for one in under:
                evidence = self.cache.find(one, question, self.since)
                if evidence is not None:
                    found[question.id] = evidence
                    break
        return found

    def remember(
        self,
        submission: Submission,
        questions: Sequence[Question],
        data: str,
        found: Mapping[str, Evidence],
    ) -> None:
        """Keep what was answered now. What rests on a training that was ended early holds under the
        same rule only; one that went its whole way holds under any."""
        rules = _rules(questions)
        stopped = {
            one.question.session
            for one in found.values()
            if one.question.stopping is not None and stopped_for_sure(one)
        }
        keys = self.keys(submission, questions, data)
        for question in questions if keys else ():
            if question.id in found:
                under = rules.get(question.session, "") if question.session in stopped else ""
                key = keys[question.id] + under
                self.cache.add(key, found[question.id], submission.student, self.run)

    def keys(
        self, submission: Submission, questions: Sequence[Question], data: str
    ) -> dict[str, str]:
        """What each answer is kept under, by question id; none for files without a digest."""
        if not submission.digest:
            return {}   # without one nobody knows of what it is
        return answer_keys(self.ground, submission, questions, data)


def _rules(questions: Sequence[Question]) -> dict[str, str]:
    """By session, the rule by which its training may be ended early."""
    return {one.session: f" {one.stopping}" for one in questions if one.stopping is not None}
