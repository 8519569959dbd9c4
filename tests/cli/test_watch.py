"""`grader check --watch`: every way in which editors save, and what a save makes worthless."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.cli.test_cli import ROOT, SCRIPT

SECONDS = 120.0   # a busy machine is slow
WRONG = SCRIPT.replace("nn.BatchNorm2d", "nn.Linear")


class Watched:
    """A watch that runs, with what it has said so far as lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def line(self, seconds: float = SECONDS) -> str:
        return self._lines.get(timeout=seconds)

    def until(self, wanted: Callable[[str], bool]) -> str:
        while not wanted(line := self.line()):
            pass
        return line

    def result(self) -> dict[str, Any]:
        found = json.loads(self.line())
        assert isinstance(found, dict)
        return found

    def statuses(self) -> dict[str, str]:
        return {one["id"]: one["status"] for one in self.result()["criteria"]}


@contextmanager
def watching(file: Path, *more: str) -> Iterator[Watched]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "80", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "grader", "check", str(file), "--watch", *more]
    with subprocess.Popen(
        [*command, "--rubric", str(ROOT / "rubric.yaml")], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            yield Watched(process)
        finally:
            process.terminate()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hw2.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def replaced(file: Path, text: str) -> None:
    """Save like an editor that replaces the file."""
    beside = file.with_name(f".{file.name}.swp~")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)


def test_every_save_is_checked_however_the_editor_saves(file: Path) -> None:
    groups = ("--criterion", "parameter-groups", "--json")
    with watching(file, *groups) as watched:
        first = watched.result()
        assert first["pending"] == [] and first["state"] == "graded"
        documented = (ROOT / "docs" / "students.md").read_text(encoding="utf-8")
        for key in (*first, *first["criteria"][0]):
            assert f"`{key}`" in documented, f"editors are not told of '{key}'"
        assert [one["status"] for one in first["criteria"]] == ["passed"]
        replaced(file, WRONG)
        assert watched.statuses() == {"parameter-groups": "failed"}
        file.write_text("def (:\n", encoding="utf-8")   # in the middle of a word
        broken = watched.result()["criteria"][0]
        assert broken["status"] == "failed" and "SyntaxError" in broken["reason"]
        file.unlink()
        time.sleep(0.5)
        file.write_text(SCRIPT, encoding="utf-8")
        assert watched.statuses() == {"parameter-groups": "passed"}
        for text in (WRONG, "", "def (", WRONG, SCRIPT.replace("bn", "norms")):   # in one go
            replaced(file, text)
            time.sleep(0.05)
        while watched.statuses() != {"parameter-groups": "passed"}:
            pass
        file.touch()   # nothing changed, so nothing is said
        with pytest.raises(queue.Empty):
            watched.line(1.5)


def test_a_save_ends_the_training_and_what_is_quick_comes_first(file: Path) -> None:
    trains = ROOT / "submissions" / "keepsbest_hw2.py"
    file.write_bytes(trains.read_bytes())
    criteria = ("--criterion", "parameter-groups", "--criterion", "mode-switch", "--json")
    with watching(file, *criteria) as watched:
        first = watched.result()
        assert [one["id"] for one in first["criteria"]] == ["parameter-groups"]
        assert first["pending"] == ["mode-switch"]
        file.write_text(SCRIPT, encoding="utf-8")   # while it trains
        second = watched.result()
        assert second["pending"] == ["mode-switch"], "the training before was waited for"
        assert [one["status"] for one in second["criteria"]] == ["passed"]
        whole = watched.result()
        assert [one["id"] for one in whole["criteria"]] == ["parameter-groups", "mode-switch"]
        assert whole["pending"] == []


def test_a_pipe_is_told_what_has_changed_and_ctrl_c_leaves_nothing_behind(file: Path) -> None:
    with watching(file, "--criterion", "parameter-groups") as watched:
        watched.until(lambda line: line.startswith("Watching hw2.py"))
        file.write_text(f"{SCRIPT}# a word more\n", encoding="utf-8")
        said = watched.line()
        assert "nothing changed" in said and "\x1b" not in said
        watched.until(lambda line: line.startswith("Watching hw2.py"))
        file.write_text(WRONG, encoding="utf-8")
        changed = watched.until(lambda line: line.startswith("parameter-groups: "))
        assert changed == "parameter-groups: passed 5 -> failed 0"
        watched.until(lambda line: line.startswith("Watching hw2.py"))
        workers = psutil.Process(watched.process.pid).children(recursive=True)
        assert workers, "none waits for the next save"
        watched.process.send_signal(signal.SIGINT)
        assert watched.process.wait(SECONDS) == 0
        with pytest.raises(queue.Empty):
            watched.line(0.2)
        assert psutil.wait_procs(workers, timeout=10)[1] == []


def test_what_no_work_can_mend_ends_the_watch(file: Path, tmp_path: Path) -> None:
    rubric = tmp_path / "rubric.yaml"
    rubric.write_text(
        "title: T\ntotal: 1\ncap: 1\nrecorded: gone.json\ncriteria:\n"
        "  - {id: groups, title: Groups, part: '1', points: 1, check: param_groups}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "grader", "check", str(file), "--watch", "--rubric", str(rubric)],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=SECONDS,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "gone.json" in done.stderr and "unpack your course's bundle" in done.stderr
