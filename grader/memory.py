"""What a run remembers of answers: those that were given before under the same conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.evidence_cache import EvidenceCache
from grader.fingerprint import answer_keys
from grader.records import Evidence, Question, Submission


@dataclass(frozen=True)
class Memory:
    """`ground` is a digest of all but submission, question and data that an answer depends on.

    What is remembered bears the number of this `run`; what runs before `since` were told is not
    recalled.
    """

    cache: EvidenceCache
    ground: str
    run: int = 0
    since: int = 0

    def recall(
        self, submission: Submission, questions: Sequence[Question], data: str
    ) -> dict[str, Evidence]:
        """The answers that are known, by question id; `data` is a digest of what the code finds."""
        found: dict[str, Evidence] = {}
        for question, key in self._keys(submission, questions, data):
            evidence = self.cache.find(key, question, self.since)
            if evidence is not None:
                found[question.id] = evidence
        return found

    def remember(
        self,
        submission: Submission,
        questions: Sequence[Question],
        data: str,
        found: Mapping[str, Evidence],
    ) -> None:
        """Keep what was answered now."""
        for question, key in self._keys(submission, questions, data):
            if question.id in found:
                self.cache.add(key, found[question.id], submission.student, self.run)

    def _keys(
        self, submission: Submission, questions: Sequence[Question], data: str
    ) -> list[tuple[Question, str]]:
        if not submission.digest:
            return []   # without one nobody knows of what it is
        keys = answer_keys(self.ground, submission, questions, data)
        return [(question, keys[question.id]) for question in questions]
