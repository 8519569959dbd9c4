"""Looks answers up in the cache: those that were given before under the same conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.checks.early_stopping import stopped_for_sure
from grader.checks.files_read import unchanged
from grader.records import Evidence, Question, Submission
from grader.run.cache.evidence import EvidenceCache
from grader.run.provenance.fingerprints import answer_keys


@dataclass(frozen=True)
class Recall:
    """Finds and stores the answers of one run.

    Attributes:
        cache: Where answers are stored.
        ground: A digest of what every answer depends on besides submission, question and data.
        run: The number of this run, stored with new answers.
        since: The first run whose answers count.
    """

    cache: EvidenceCache
    ground: str
    run: int = 0
    since: int = 0

    def look_up(
        self, submission: Submission, questions: Sequence[Question], data: str
    ) -> dict[str, Evidence]:
        """Return the known answers, by question id.

        Args:
            submission: Whose code is asked.
            questions: What is asked.
            data: A digest of the data that the code can see.
        """
        found: dict[str, Evidence] = {}
        rules, keys = _rules(questions), self.keys(submission, questions, data)
        for question in questions if keys else ():
            key = keys[question.id]
            under = [key, key + rules[question.session]] if question.session in rules else [key]
            for one in under:
                evidence = self.cache.find(one, question, self.since)
                if evidence is not None and _holds(evidence):
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
        """Store new answers.

        An answer that rests on a training that was ended early counts under the same rule only; one
        of a complete training counts under any rule.

        Args:
            submission: Whose code answered.
            questions: Everything that was asked.
            data: A digest of the data that the code can see.
            found: The evidence, by question id.
        """
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
        """Return each answer's key, by question id; {} for a submission without a digest."""
        if not submission.digest:
            return {}
        return answer_keys(self.ground, submission, questions, data)


def _holds(evidence: Evidence) -> bool:
    """True unless a file that the instructor's tests read has changed since."""
    return evidence.question.tests is None or unchanged(evidence.value.get("read"))


def _rules(questions: Sequence[Question]) -> dict[str, str]:
    """Return the rule by which each session's training may be ended early."""
    return {one.session: f" {one.stopping}" for one in questions if one.stopping is not None}
