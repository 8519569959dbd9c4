"""Files and processes of a session are removed before the next one starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.worker.process import cleanup as leavings


def test_folders_deeper_than_any_path_and_closed_ones_are_removed(tmp_path: Path) -> None:
    scratch, outside = tmp_path / "scratch", tmp_path / "outside"
    scratch.mkdir()
    (outside / "kept").mkdir(parents=True)
    (scratch / "wide").mkdir()
    (scratch / "wide" / "link").symlink_to(outside)
    (scratch / "link").symlink_to(outside)
    for number in range(50):
        (scratch / "wide" / str(number)).touch()
    home = Path.cwd()
    try:
        os.chdir(scratch)
        for _ in range(3000):
            Path("deeper").mkdir()
            Path("file").touch()
            os.chdir("deeper")
            Path("../deeper").chmod(0o100)
    finally:
        os.chdir(home)
    leavings.empty_folders(str(scratch))
    assert list(scratch.iterdir()) == []
    assert (outside / "kept").is_dir()


def test_a_folder_that_is_not_there_needs_no_emptying(tmp_path: Path) -> None:
    leavings.empty_folders(str(tmp_path / "missing"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are told apart on Linux only")
def test_every_descendant_is_killed_and_reaped() -> None:
    # In a process of its own: the tests' own children are not for this to end.
    if (middle := os.fork()) == 0:
        code = 1
        try:
            leavings.adopt_orphans()
            for _ in range(5):
                if os.fork() == 0:
                    os.setsid()
                    os.fork()
                    os.execvp("sleep", ["sleep", "600"])
            leavings.end_processes()
            try:
                os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(middle, 0)[1]) == 0
