"""A submission is read in a process of its own: what is slow, large or broken costs itself alone."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader.errors import GraderError
from grader.records import Submission
from grader.submissions.discover import hand_in
from grader.submissions.parse_child import start
from grader.submissions.prepare import prepare, prepare_trusted
from grader.submissions.reading import read
from grader.submissions.safe_writer import Caps
from grader.submissions.steps import Steps
from tests.factories import write_files, zip_of

REVIEW = ("review", "all code together")
HONEST = "import torch\n\ndef fit():\n    '''(a) It learns as the loss falls.'''\n"
READING = {
    "name": "ada", "files": [], "digest": "", "answers": {}, "refused": None, "notes": [],
    "remarks": [], "reaching": [], "unread": [],
}  # fmt: skip


def notebook(*cells: str) -> str:
    found = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell} for cell in cells]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": found})


# Seconds of a fast machine's processor, most of them for IPython, which reads all lines again for
# each magic. The child is ended after one second.
SLOW_NOTEBOOK = notebook("%time x = 1\n" * 450, *["def f():0\n" * 49_000] * 4)


def prepared(tmp_path: Path, **files: str | bytes) -> Submission:
    named = {name.replace("__", "."): content for name, content in files.items()}
    return prepare(hand_in(write_files(tmp_path / "ada", named)), tmp_path / "w")


def test_the_child_reads_what_this_process_would(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "hw2.py": HONEST, "late.ipynb": notebook("!ls\nx = 1"), "bad.ipynb": "{",
        "answers.md": "(b) Ten epochs.", "old/work.zip": zip_of({"net.py": "import gc\n"}),
        "report.pdf": b"%PDF",
    }  # fmt: skip
    item = hand_in(write_files(tmp_path / "ada", files))
    here = prepare_trusted(item, tmp_path / "here", imports=("gc",))
    child = prepare(item, tmp_path / "child", imports=("gc",))
    assert child.files == here.files and child.answers == here.answers
    assert {"late.py", "old/work/net.py"} <= set(child.files)
    for field in ("digest", "notes", "remarks", "reaching", "unread", "refused", "stamp"):
        assert getattr(child, field) == getattr(here, field)
    for file in child.files:
        assert (child.folder / file).read_bytes() == (here.folder / file).read_bytes()


def test_only_the_file_that_takes_too_long_is_left_out_and_this_process_does_not_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "_SECONDS", 1)
    own, children = time.process_time(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    found = prepared(tmp_path, hw2__py=HONEST, slow__ipynb=SLOW_NOTEBOOK, good__ipynb=notebook("y"))
    assert found.files == ("good.ipynb", "good.py", "hw2.py", "slow.ipynb")
    assert found.answers == {"a": "It learns as the loss falls."}
    assert found.refused is None and "slow.ipynb" in found.unread
    (note,) = found.notes
    assert note == (
        "'slow.ipynb' was left out: reading it takes too long or too much memory; keep data in "
        "files of their own."
    )
    # No thread of this process can be held up by what it does not do.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - children > 0.8
    assert time.process_time() - own < 0.4


def test_what_needs_too_much_memory_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "_MEMORY", 150 * 2**20)
    values = '{"a":{}},' * 900_000   # a fifth of a gigabyte of objects
    large = notebook("x = 1").replace('"outputs": []', f'"outputs": [{values}1]')
    found = prepared(tmp_path, hw2__py=HONEST, large__ipynb=large)
    assert found.files == ("hw2.py", "large.ipynb")
    assert found.unread == ("large.ipynb",) and "too much memory" in found.notes[0]


# By parser: the file that it reads, and whether a person still has to look for answers in it.
BROKEN = {
    "grader.submissions.collect.opened": ("old.zip", zip_of({"net.py": "x = 1"})),
    "grader.submissions.reading.read_notebook": ("late.ipynb", notebook("x = 1")),
    "grader.submissions.documents.document_text": ("answers.docx", b"PK"),
    "grader.submissions.answer_files.latex_answers": ("answers.tex", "(a) It learns."),
    "grader.submissions.answer_files.script_texts": ("net.py", "x = 1"),
}


@pytest.mark.parametrize("parser", BROKEN)
def test_a_parser_that_a_file_breaks_costs_that_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parser: str
) -> None:
    """The parser ends the child as a hole in it would, for every file but the honest ones."""
    file, content = BROKEN[parser]
    module, _, name = parser.rpartition(".")
    broken = f"""
import os, {module} as module
from grader.submissions.parse_child.__main__ import main
whole = module.{name}
module.{name} = lambda *given, **more: os.abort() if 'torch' not in str(given) else whole(*given)
main()
"""
    monkeypatch.setattr(start, "_COMMAND", (sys.executable, "-P", "-c", broken))
    honest: dict[str, str | bytes] = {"hw2.py": HONEST, "good.ipynb": notebook("import torch")}
    folder = write_files(tmp_path / "ada", honest | {file: content})
    found = prepare(hand_in(folder), tmp_path / "w")
    assert found.unread == (file,) and found.refused is None
    assert {"hw2.py", "good.py"} <= set(found.files)
    assert found.answers or parser.endswith("script_texts")
    assert found.remarks == ()


def test_code_that_takes_too_long_to_be_reviewed_is_for_a_person(tmp_path: Path) -> None:
    steps = Steps({("review", "hw2.py"), ("find answers in", "hw2.py")})
    folder = write_files(tmp_path / "ada", {"hw2.py": HONEST, "net.py": "x = 1"})
    found = read("ada", [folder], tmp_path, Caps(), (), steps)
    assert found.files == ("hw2.py", "net.py")   # it runs in the sandbox
    assert found.unread == ("hw2.py",)
    (remark,) = found.reaching
    assert remark.startswith("hw2.py:1 is not read: reading it takes too long")
    both = read("ada", [folder], tmp_path / "both", Caps(), (), Steps({REVIEW}))
    assert [one.partition(":")[0] for one in both.reaching] == ["hw2.py", "net.py"]
    assert len({found.digest, both.digest}) == 2   # verdicts on the one do not hold for the other


def test_a_submission_that_cannot_be_read_at_all_waits_for_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child(monkeypatch, says('{"step": ["read", ""]}'), "os.kill(os.getpid(), 11)")
    found = prepared(tmp_path, hw2__py=HONEST)
    assert not found.has_code and found.refused is None and found.unread == ("ada",)
    assert found.notes == (
        "Nothing of the submission was read: reading it takes too long or too much memory.",
    )
    assert list(found.folder.rglob("*")) == []


@pytest.mark.parametrize("waste", ["while True: pass", "x = b'x' * 10**8; time.sleep(60)"])
def test_where_the_system_limits_nothing_the_grader_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waste: str
) -> None:
    """Windows limits no time, and macOS no memory."""
    monkeypatch.setattr(start, "_SECONDS", 0.2)
    monkeypatch.setattr(start, "_SLOWEST", 1_000)
    monkeypatch.setattr(start, "_MEMORY", 50 * 2**20)
    child(monkeypatch, says('{"step": ["read", ""]}'), waste)
    assert prepared(tmp_path, hw2__py=HONEST).unread == ("ada",)


def test_files_without_end_that_take_too_long_are_not_tried_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = "{'step': ['convert', str(len(json.loads(sys.stdin.buffer.read())['skipped']))]}"
    child(monkeypatch, f"print(json.dumps({step}), flush=True)", "os.abort()")
    assert prepared(tmp_path, hw2__py=HONEST).files == ()


def child(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    code = "\n".join(("import json, os, sys, time", *lines))
    monkeypatch.setattr(start, "_COMMAND", (sys.executable, "-S", "-c", code))


def says(line: str) -> str:
    return f"print({line!r}, flush=True)"


def done(**changes: object) -> str:
    return says(json.dumps({"done": READING | changes}))


FAILURES = {
    "ends without a word": "sys.exit(3)",
    "is killed by somebody": says('{"step": ["read", ""]}') + "; os.kill(os.getpid(), 9)",
    "crashes before it reads anything": "os.abort()",
    "says what is no JSON": "print('{')",
    "says what is no object": "print('[]')",
    "names a folder elsewhere": done(name="../../etc"),
    "names files that are not there": done(files=["hw2.py"]),
    "gives numbers for answers": done(answers={"a": 1}),
    "makes a link": "os.makedirs('code/ada'); os.symlink('/etc', 'code/ada/x');" + done(),
    "says all that it likes": "os.makedirs('code/ada'); print(' ' * 65_000_000);" + done(),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_child_that_fails_by_itself_is_the_graders_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    child(monkeypatch, FAILURES[name])
    with pytest.raises(GraderError, match="Grade again"):
        prepared(tmp_path, hw2__py=HONEST)


def test_a_child_that_cannot_be_started_is_the_machines_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "_COMMAND", (str(tmp_path / "no-python"),))
    with pytest.raises(OSError, match="no-python"):
        prepared(tmp_path, hw2__py=HONEST)


def test_a_full_disk_is_the_machines_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child(monkeypatch, says(json.dumps({"system": [errno.ENOSPC, "no space"]})))
    with pytest.raises(OSError, match="no space") as error:
        prepared(tmp_path, hw2__py=HONEST)
    assert error.value.errno == errno.ENOSPC


def test_a_child_that_hardly_runs_is_the_machines_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "_SLOWEST", 0.01)
    child(monkeypatch, says('{"step": ["convert", "x"]}'), "time.sleep(60)")
    with pytest.raises(GraderError, match="hardly running"):
        prepared(tmp_path, hw2__py=HONEST)


# What a process sees and may do after it was confined; the last line says whether Linux helps.
CONFINED = """
import json, os, resource, socket, sys
from grader.submissions.parse_child.landlock import keep_to_this_folder
from grader.submissions.parse_child.limits import Limits, confine

def may(do, *given):
    try:
        do(*given)
    except PermissionError:
        return False
    except OSError:
        pass
    return True

names = sorted(os.environ)
confine(Limits(7, 2**31, 10**6), [])
for name in ('CPU', 'AS', 'FSIZE', 'NOFILE', 'CORE', 'NPROC'):
    print(name, resource.getrlimit(getattr(resource, f'RLIMIT_{name}'))[0])
print('open files', sorted(os.listdir('/dev/fd'))[:-1])
print('environment', names)
os.makedirs('upload/top')
os.mkdir('code')
print('moves its own folders', may(os.rename, 'upload/top', 'code/top'))
print('writes beside its folder', may(open, '../beside', 'w'))
print('removes its neighbour', may(os.unlink, '../neighbour'))
print('uses the network', may(socket.create_connection, ('127.0.0.1', 9)))
print('is kept', keep_to_this_folder())
sys.stdout.flush()
may(os.execv, sys.executable, [sys.executable, '-S', '-c', 'print("starts programs")'])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux limits most")
def test_the_child_is_confined_and_inherits_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANVAS_TOKEN", "secret")
    write_files(tmp_path, {"neighbour": "", "own/x": ""})
    run = subprocess.run(
        [sys.executable, "-P", "-c", CONFINED], capture_output=True, check=True, text=True,
        cwd=tmp_path / "own", env=start._environment(),
    )  # fmt: skip
    told = run.stdout.splitlines()
    assert told[:6] == [
        "CPU 7", f"AS {2**31}", "FSIZE 1000000", "NOFILE 64", "CORE 0", "NPROC 0",
    ]  # fmt: skip
    assert told[6] == "open files ['0', '1', '2']"
    assert "TOKEN" not in told[7] and "PATH'" in told[7]
    assert told[8] == "moves its own folders True"
    if told[12:] == ["is kept False"]:
        pytest.skip("this kernel has no Landlock")
    assert told[9:] == [
        "writes beside its folder False", "removes its neighbour False", "uses the network False",
        "is kept True",
    ]  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can")
@pytest.mark.parametrize("readable", [True, False])
def test_root_becomes_nobody_where_nobody_can_read_the_submission(
    tmp_path: Path, readable: bool
) -> None:
    code = f"""
import os
from pathlib import Path
from grader.submissions.parse_child import limits
limits._is_readable = lambda sources: {readable}
limits.confine(limits.Limits(7, 2**31, 10**6), [])
Path("new").write_text("")
print(os.getresuid(), os.getresgid(), os.getgroups())
"""
    run = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, check=True, text=True,
        cwd=tmp_path, env=start._environment(),
    )  # fmt: skip
    user = (65_534,) * 3 if readable else (0,) * 3
    assert run.stdout.startswith(f"{user} {user}")
    assert "[]" in run.stdout or not readable
    assert (tmp_path / "new").stat().st_uid == user[0]


def test_interrupting_the_grader_does_not_end_the_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = f"print(json.dumps({{'step': [str(os.getsid(0) != {os.getsid(0)}), '']}}), flush=True)"
    child(monkeypatch, line, "os.abort()")
    with pytest.raises(start.BeyondLimits) as error:
        start.unpack_in_child(tmp_path / "a.zip", tmp_path, Caps())
    assert error.value.step == ("True", "")
