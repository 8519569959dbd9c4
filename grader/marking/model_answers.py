"""Finds the model answer of a criterion: the rubric's, or else the reference solution's."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property

from grader.checks.written_answer import answer_to
from grader.errors import GraderError
from grader.marking.code import SourceFile, source_files
from grader.rubric.model import Criterion, Rubric
from grader.run.workspace import workspace
from grader.submissions.discover import hand_in
from grader.submissions.prepare import prepare


@dataclass(frozen=True)
class ModelAnswer:
    """A text in Markdown, or the reference's code; neither if there is no model answer."""

    text: str = ""
    files: tuple[SourceFile, ...] = ()


@dataclass(frozen=True)
class _Reference:
    answers: dict[str, str]
    files: tuple[SourceFile, ...]


class ModelAnswers:
    """The model answers of a rubric. The reference solution is read when the first needs it."""

    def __init__(self, rubric: Rubric | None) -> None:
        self._rubric = rubric
        self._lock = threading.Lock()

    def of(self, criterion: Criterion) -> ModelAnswer:
        """The model answer of a criterion, as the rubric has it now."""
        if criterion.model_answer:
            return ModelAnswer(criterion.model_answer)
        for one in self._rubric.criteria if self._rubric is not None else ():
            if one.id == criterion.id:
                with self._lock:
                    reference = self._reference
                part = getattr(one.params, "answer", None)
                if isinstance(part, str):
                    return ModelAnswer(answer_to(one.part, part, reference.answers))
                return ModelAnswer(files=reference.files)
        return ModelAnswer()

    @cached_property
    def _reference(self) -> _Reference:
        """The reference's written answers and code; empty if it cannot be read here."""
        assert self._rubric is not None   # a criterion of it was asked for
        try:
            with workspace() as folder:
                found = prepare(hand_in(self._rubric.reference), folder)
                texts = {name: (found.folder / name).read_text(encoding="utf-8", errors="replace")
                         for name in found.files if name.endswith(".py")}
        except (GraderError, OSError):
            return _Reference({}, ())
        return _Reference(dict(found.answers), source_files(texts))
