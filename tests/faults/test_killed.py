"""`kill -9` of the grader, at any moment, many times: nothing is left, lost or doubled."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from grader.sandbox.docker import DockerSandbox
from tests.faults.a_class import (
    FULL,
    Grader,
    a_class,
    containers,
    eventually,
    grading,
    marks,
    verdicts,
)

KILLS = int(os.environ.get("GRADER_KILLS", "20"))
STUDENTS = 8
LONGEST = 6.0   # seconds until a kill: some runs are done by then, and most are not

pytestmark = pytest.mark.docker


def left_behind(folder: Path) -> list[Path]:
    """Folders of graders that are dead: nobody holds their locks."""
    found = []
    for lock in folder.glob("grader-run-*/.lock"):
        with suppress(Timeout, OSError), FileLock(lock, timeout=0):
            found.append(lock.parent)
    return found


def test_killed_at_random_it_leaves_loses_and_doubles_nothing(
    docker_sandbox: DockerSandbox, tmp_path: Path
) -> None:
    seed = random.randrange(2**31)
    moment = random.Random(seed)
    submissions = a_class(tmp_path / "in", STUDENTS)
    temporary = tmp_path / "tmp"   # other tests kill graders at the same time
    temporary.mkdir(mode=0o755)
    graders: list[Grader] = []
    kills = rounds = 0
    while kills < KILLS:
        rounds += 1
        out = tmp_path / f"out-{rounds}"
        while True:
            before = verdicts(out)
            with grading(submissions, out, TMPDIR=str(temporary)) as grader:
                time.sleep(moment.uniform(0.2, LONGEST))
                done = grader.process.poll() is not None
                kills += not done
                grader.kill() if not done and kills < KILLS else grader.end()
            graders.append(grader)
            check_after(grader, before, docker_sandbox, f"seed {seed}, kill {kills}")
            if grader.process.returncode == 0:
                break
        assert marks(out) == {path.stem: FULL for path in submissions.iterdir()}
        assert {path.suffix for path in (out / "feedback").iterdir()} == {".html", ".md"}
    assert containers(docker_sandbox, *graders) == []
    assert left_behind(temporary) == []


def check_after(
    grader: Grader, before: list[tuple[str, str, str]], sandbox: DockerSandbox, when: str
) -> None:
    after = verdicts(grader.out)
    assert after[: len(before)] == before, f"{when}: a verdict was lost or changed"
    doubled = [key for key, count in Counter(after).items() if count > 1]
    assert not doubled, f"{when}: {doubled}"
    assert {status for _, _, status in after} <= {"passed"}, f"{when}: {after}"
    told = grader.finished
    assert told <= {student for student, _, _ in after}, f"{when}: told and not kept"
    assert eventually(
        lambda: not any("running" in one for one in containers(sandbox, grader))
    ), f"{when}: still running"
    assert grader.process.returncode in (0, -9), f"{when}:\n{grader.text}"
