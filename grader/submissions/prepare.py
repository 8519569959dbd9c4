"""Makes a Submission of an attempt: has it unpacked, converted and read, but runs nothing.

    workspace/students/STUDENT/code/NAME/    the folder that the sandbox shows to the worker

The folder `students` keeps a student called `data` apart from the run's own data. A student's files
are read in a process of their own; see `grader.submissions.parse_child`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from grader.errors import GraderError
from grader.records import Submission
from grader.submissions.code_tokens import Code
from grader.submissions.collect import files_in
from grader.submissions.discover import HandIn
from grader.submissions.parse_child.start import BeyondLimits, code_in_child, read_in_child
from grader.submissions.reading import Reading, read
from grader.submissions.safe_writer import Caps
from grader.submissions.stamp import stamp_of
from grader.submissions.steps import Step

_Found = TypeVar("_Found")
_MOST_ATTEMPTS = 4   # each without the files that took the earlier ones beyond the limits


def prepare(
    hand_in: HandIn, workspace: Path, caps: Caps | None = None, imports: Iterable[str] = (),
    rules: Iterable[str] = (),
) -> Submission:
    """Lay out and read one attempt, in a process of its own, replacing files of an earlier run.

    A file that takes the process beyond its limits is left out with a note. Is there no such file,
    or are there too many, then the whole submission waits for a person.

    Args:
        hand_in: The files of the attempt.
        workspace: The folder of the run.
        caps: Limits its size; None stands for the usual caps.
        imports: Modules that its code may use beside the usual ones.
        rules: Names that criteria forbid; see `grader.submissions.forbidden`.

    Raises:
        GraderError, OSError: The grader or its machine failed. The student is not to blame.
    """
    def attempt(skipped: Sequence[Step]) -> tuple[Path, Reading]:
        root = _emptied(workspace, hand_in)
        return root, read_in_child(
            hand_in.student, hand_in.sources, root, caps or Caps(), tuple(imports), skipped,
            tuple(rules),
        )

    try:
        root, found = _skipping(attempt)
    except BeyondLimits as error:
        root, found = _emptied(workspace, hand_in), _nothing(hand_in, error)
    return _submission(hand_in, root, found)


def code_of(hand_in: HandIn) -> Code:
    """Read the code of one attempt as tokens, in a process of its own; it keeps no files.

    Raises:
        BeyondLimits: It cannot be read within the limits.
        GraderError, OSError: The grader or its machine failed.
    """
    def attempt(skipped: Sequence[Step]) -> Code:
        with tempfile.TemporaryDirectory(prefix="grader-code-") as root:
            return code_in_child(hand_in.student, hand_in.sources, Path(root), skipped)

    return _skipping(attempt)


def _skipping(attempt: Callable[[Sequence[Step]], _Found]) -> _Found:
    """Try again without each file that went beyond the limits, until too many did."""
    skipped: list[Step] = []
    while True:
        try:
            return attempt(skipped)
        except BeyondLimits as error:
            if not error.step[1] or error.step in skipped or len(skipped) + 1 >= _MOST_ATTEMPTS:
                raise
            skipped.append(error.step)


def prepare_trusted(
    hand_in: HandIn, workspace: Path, caps: Caps | None = None, imports: Iterable[str] = (),
    rules: Iterable[str] = (),
) -> Submission:
    """Lay out and read one attempt in this process, which is faster; for an instructor's own files.

    Args:
        hand_in: As for `prepare`, like all others.
        workspace: As for `prepare`.
        caps: As for `prepare`.
        imports: As for `prepare`.
        rules: As for `prepare`.
    """
    root = _emptied(workspace, hand_in)
    found = read(hand_in.student, hand_in.sources, root, caps or Caps(), imports, rules=rules)
    return _submission(hand_in, root, found)


def _emptied(workspace: Path, hand_in: HandIn) -> Path:
    students = workspace / "students"
    students.mkdir(mode=0o700, parents=True, exist_ok=True)
    root = students / hand_in.student
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    return root


def _submission(hand_in: HandIn, root: Path, found: Reading) -> Submission:
    folder = root / "code" / found.name
    links = [path for path in root.rglob("*") if path.is_symlink()]
    if links or not found.name.isidentifier() or found.files != tuple(sorted(files_in(folder))):
        raise GraderError(f"{hand_in.student}: the process that reads submissions has not written "
                          "the files that it names. Grade again.")
    told = {one.name: getattr(found, one.name) for one in dataclasses.fields(found)}
    del told["name"]
    return Submission(
        student=hand_in.student,
        source=hand_in.sources[0],
        folder=folder,
        submitted_at=hand_in.submitted_at,
        members=hand_in.members,
        attempt=hand_in.attempt,
        marked_late=hand_in.marked_late,
        stamp=stamp_of(hand_in.sources),
        **told,
    )


def _nothing(hand_in: HandIn, error: BeyondLimits) -> Reading:
    """Return what is known of a submission that cannot be read within the limits."""
    note = f"Nothing of the submission was read: {error}."
    digest = hashlib.sha256(f"{note}{stamp_of(hand_in.sources)}".encode()).hexdigest()
    names = tuple(source.name for source in hand_in.sources)
    return Reading("submission", (), digest, {}, None, (note,), (), (), names)
