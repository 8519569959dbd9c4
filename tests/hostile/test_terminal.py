"""The command line prints only its own lines about hostile submissions."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hostile.case import HERE
from tests.hostile.conftest import Record

ROOT = HERE.parent.parent
RUBRIC = """\
title: "Hostile names"
reference: {reference}
total: 11
cap: 11
profile: small
profiles:
  small:
    data: {{source: digits, validation: 20, hidden: {{held_out: 20}}, limit_train: 60}}
    epochs: 1
    seconds: 10
    thresholds: [{{accuracy: 0.1, share: 1.0}}]
limits: {{seconds: 20, memory_mib: 1536}}
criteria:
  - {{id: layer-counts, title: Counts, part: "1", points: 10, check: layer_counts}}
  - {{id: written, title: Written, part: "2", points: 1, check: written, answer: a}}
"""
# On the disk of the one who grades, as a system that exports a class may have put them there.
NAMES = (
    "ada\x1b]0;owned\x07\x1b[41mred\x1b[2J",
    "bob\n[9 of 9] eve: graded, 11 of 11, 1.0 s",
    "carl\r\x1b[1A\x1b[2Keve",
    "dora\u202e11 fo 11\u2066\u2028\x85\x9b2J",
    "=cmd|' C'!A0;=1+1<img src=http:beacon>{{ 7*7 }}[red]markup[/red][link=http:beacon]",
    "Zoë 李",
)
ESCAPES = re.compile(r"\x1b(?:\[[?0-9;]*[A-Za-z]|.)?", re.DOTALL)
# Signs that turn a text's direction, hide in it or break its line, and all other controls.
ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True)
class Printed:
    code: int
    text: str


@pytest.fixture(scope="module")
def rubric(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rubric") / "rubric.yaml"
    path.write_text(RUBRIC.format(reference=ROOT / "reference"))
    return path


@pytest.fixture(scope="module")
def submissions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class in which everybody's folder has a name like that, and so has what they raise."""
    top = tmp_path_factory.mktemp("class") / "submissions"
    payloads = (HERE / "submissions/feedback/payloads_in_an_exception.py").read_text()
    for name in NAMES:
        folder = top / name
        folder.mkdir(parents=True)
        (folder / "hw2.py").write_text(payloads)
        (folder / "answers.md").write_text(f"## (a)\n{name}\n{payloads}")
    (top / f"{NAMES[0]}.py").write_text("x = 1\n")
    (Path(os.fsdecode(os.fsencode(top) + b"/\xff\xfe.py"))).write_text("x = 1\n")
    return top


def grader(*words: str | Path, **environment: str) -> Printed:
    """In a pipe; standard output and standard error, as they come."""
    done = subprocess.run(
        [sys.executable, "-m", "grader", *map(str, words)], cwd=ROOT, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "80"} | environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return Printed(done.returncode, done.stdout.decode(errors="backslashreplace"))


def in_a_terminal(*words: str | Path) -> Printed:
    """In a pseudo-terminal of 80 columns; what it would have been sent."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "grader", *map(str, words)], cwd=ROOT, stdin=slave, stdout=slave,
        stderr=slave,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "80", "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(slave)
    sent = b"".join(_read(master))
    os.close(master)
    return Printed(process.wait(), sent.decode(errors="backslashreplace").replace("\r\n", "\n"))


def _read(master: int) -> Iterator[bytes]:
    while True:
        try:
            data = os.read(master, 2**16)
        except OSError:  # how Linux says that the other end is closed
            return
        if not data:
            return
        yield data


def run(submissions: Path, rubric: Path, out: Path) -> tuple[str | Path, ...]:
    return ("run", submissions, "--rubric", rubric, "--sandbox", "process", "--out", out)


def test_a_run_in_a_pipe_prints_a_line_for_each_student_and_no_line_of_theirs(
    submissions: Path, rubric: Path, tmp_path: Path, record: Record
) -> None:
    printed = grader(*run(submissions, rubric, tmp_path / "out"))
    assert printed.code == 0, printed.text
    students = re.findall(r"^\[(\d+)/8\] [\w.-]+: ", printed.text, re.MULTILINE)
    assert sorted(map(int, students)) == list(range(1, 9))
    assert "eve: graded" not in printed.text
    assert not ODD.search(printed.text)
    written = [path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*")]
    pages = [path for path in written if path.suffix == ".html"]
    assert len(pages) == 8 + 1 and Path("report.html") in pages
    assert not [path for path in written if not re.fullmatch(r"[\w./-]+", str(path))]
    record("feedback/grader run in a pipe")


def test_a_run_in_a_terminal_sends_no_sequence_of_a_student(
    submissions: Path, rubric: Path, tmp_path: Path, record: Record
) -> None:
    words = run(submissions, rubric, tmp_path / "out")
    printed = in_a_terminal(*words, "--criterion", "written")
    assert printed.code == 0, printed.text
    clean(printed.text)
    record("feedback/grader run in a terminal")


def test_check_sends_no_sequence_of_a_student(
    rubric: Path, tmp_path: Path, record: Record
) -> None:
    file = tmp_path / "hw2.py"
    for case in ("payloads_in_an_exception", "payloads_in_layer_names"):
        file.write_text((HERE / f"submissions/feedback/{case}.py").read_text())
        printed = in_a_terminal("check", file, "--rubric", rubric)
        assert "Results for hw2" in printed.text
        assert "7*7" in printed.text, "the payload is not shown at all"
        clean(printed.text)
    piped = grader("check", file, "--rubric", rubric, "--json")
    assert piped.text.isascii()
    assert not ODD.search(piped.text)
    assert "{{ 7*7 }}{% for x in sheet %}" in str(json.loads(piped.text))
    record("feedback/grader check in a terminal")


def test_validate_quotes_no_sequence_of_a_sample(
    rubric: Path, tmp_path: Path, record: Record
) -> None:
    """Its samples may be what students handed in last year."""
    payloads = HERE / "submissions/feedback/payloads_in_an_exception.py"
    (tmp_path / "ada.py").write_text(payloads.read_text())
    (tmp_path / "expected.yaml").write_text(
        "ada: {about: raises, points: {layer-counts: 10, written: 0}}\n"
    )
    words = ("validate", "--rubric", rubric, "--sandbox", "process", "--samples", tmp_path)
    printed = grader(*words)
    assert "expected 10, got 0" in printed.text
    assert "7*7" in printed.text, "the payload is not quoted at all"
    assert not ODD.search(printed.text)
    record("feedback/grader validate in a pipe")


def test_a_name_that_a_pipe_cannot_spell_stops_nobody(
    rubric: Path, tmp_path: Path, record: Record
) -> None:
    """On Windows and under cron, a pipe often takes one byte a letter."""
    for name in ("Zoë 李", "ada"):
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "hw2.py").write_text("x = 1\n")
    words = run(tmp_path / "class", rubric, tmp_path / "out")
    printed = grader(*words, "--criterion", "written", PYTHONIOENCODING="ascii")
    assert printed.code == 0, printed.text
    assert "/2] Zo?-?: graded" in printed.text
    record("feedback/a name that a pipe cannot spell")


def clean(sent: str) -> None:
    """Only what the grader's own display sends: colours, the cursor, and lines to be rewritten."""
    sequences = set(ESCAPES.findall(sent))
    assert sequences, "this was no terminal"
    allowed = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh]|2K|\d*A)")
    assert not [one for one in sequences if not allowed.fullmatch(one)]
    assert not {"\x1b[41m", "\x1b[41;5m"} & sequences
    assert not ODD.search(ESCAPES.sub("", sent).replace("\r", ""))
