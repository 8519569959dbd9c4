"""What a criterion forbids, applied to the verdict of its check."""

from __future__ import annotations

import dataclasses

from grader.records import Submission, Use, Verdict
from grader.rubric.model import Criterion
from grader.submissions.forbidden import rules_of

_SHOWN = 3   # uses that the reason names


def with_forbidden(verdict: Verdict, criterion: Criterion, submission: Submission) -> Verdict:
    """Take the points of a criterion whose submission uses what it forbids.

    A use below `if __name__ == "__main__":` or in a test may only compare with the right answer, so
    a person looks at it. A verdict that earns nothing keeps its reason, with a hint.
    """
    rules = rules_of(criterion)
    uses = [one for one in submission.uses if one.rule in rules]
    if not uses or verdict.status == "not_scored" or not verdict.attempted:
        return verdict
    counting = [one for one in uses if not one.aside]
    told = " ".join(map(_sentence, (counting or uses)[:_SHOWN]))
    seen = {**verdict.seen, "forbidden": [dataclasses.asdict(one) for one in uses]}
    if verdict.status == "failed":
        return dataclasses.replace(verdict, hints=(*verdict.hints, told), seen=seen)
    if counting:
        return dataclasses.replace(
            verdict, status="failed", fraction=0.0, seen=seen,
            reason=f"This part must be written without what your code uses: {told}",
            next_step="Write it yourself, without the call or import named above.",
        )  # fmt: skip
    seen |= {"would_earn": verdict.fraction, "without_doubt": verdict.reason}
    return dataclasses.replace(
        verdict, status="needs_marking", fraction=0.0, seen=seen,
        reason=f"A person looks whether your answer uses what this part forbids: {told}",
    )  # fmt: skip


def _sentence(use: Use) -> str:
    line = f": {use.text}" if use.text else ""
    allowed = use.rule.removeprefix("only ")
    why = f" (allowed: {allowed.replace(' ', ', ')})" if allowed != use.rule else ""
    return f"{use.file}, line {use.line} uses {use.name}{why}{line}".rstrip(".") + "."
