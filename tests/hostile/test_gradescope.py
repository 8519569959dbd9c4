"""Attacks on a grader that runs as root in Gradescope's container, in the layout of setup.sh.

One submission tries everything and answers rightly besides; an honest one is graded after it. The
homework, the results, another worker's folder and setuid programs stand where they stand there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner

from grader.cli.app import cli
from grader.errors import SandboxError
from grader.sandbox import unprivileged
from tests.factories import write_files
from tests.support.autograder import graded, interpreter, unpacked

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0,
    reason="only root can give a process to another user",
)
USER = 60_098   # of the tests that start processes themselves
OTHER = 60_097   # another worker's
PROCESSES = 96
HOMEWORK = {
    "rubric.yaml": f"""\
title: Homework
total: 2
cap: 2
checks: checks.py
limits: {{pids: {PROCESSES}}}
criteria:
- {{id: double, title: Double, part: "1", points: 2, check: double}}
""",
    "checks.py": """\
import json, os
from pathlib import Path
from grader.checks.custom.api import Check, NoParams, answer, graded, probe

@probe
def doubled(student):
    return student.call("double", 4)

def judge(criterion, work, key):
    found = answer(work, "double")
    Path(os.environ["TOLD"]).write_text(json.dumps(found))
    return graded(criterion, float(found["value"] == 8), "Doubled.")

CHECK = Check("double", NoParams, lambda criterion, inputs, limits: [
    doubled.question("double", limits.seconds)], judge)
""",
    "reference/hw.py": "SECRET = 'the reference solution'\n",
}
HONEST = "def double(value):\n    return {'value': 2 * value}\n"
# A process that lives for a millisecond, starts itself again, and writes what it can.
HOPPER = "trap '' HUP TERM INT; echo 0 >> {beat}; echo 0 >> {file}; sh -c \"$HOP\" & exit"
HOSTILE = '''
import glob, os, signal, subprocess, tempfile

ROOT, IMAGE = {root!r}, {image!r}

def tried(attempt):
    try:
        return attempt() or "done"
    except OSError as error:
        return type(error).__name__

def read(path):
    return open(path).read()

def write(path):
    with open(path, "a") as file:
        file.write("0")

def output(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout

def storm():
    children = subprocess.Popen(
        ["sh", "-c", "i=0; while [ $i -lt 400 ]; do sleep 120 & i=$((i+1)); done"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    children.wait(20)
    own = [int(one) for one in os.listdir("/proc") if one.isdigit() and os.getuid() ==
           (os.stat(f"/proc/{{one}}").st_uid if os.path.exists(f"/proc/{{one}}") else 0)]
    sleeping = [pid for pid in own if "sleep" in tried(lambda: read(f"/proc/{{pid}}/cmdline"))]
    for pid in sleeping:
        os.kill(pid, signal.SIGKILL)
    return len(sleeping)

def double(value):
    homework, results = ROOT + "/source/homework", ROOT + "/results"
    mine = os.path.realpath(tempfile.gettempdir())
    folders = [one for one in glob.glob(os.path.dirname(os.path.dirname(mine)) + "/grader-*")
               if not mine.startswith(one)]
    found = {{
        "value": 2 * value,
        "user": os.getuid(),
        "rights": [line for line in read("/proc/self/status").splitlines()
                   if line.startswith(("NoNewPrivs", "CapEff"))],
        "setuid": output(IMAGE + "/late", "-u").strip(),
        "setgid": output(IMAGE + "/late-group", "-g").strip(),
        "opens": [tried(lambda: read(one)) for one in (
            homework + "/rubric.yaml", homework + "/checks.py", homework + "/reference/hw.py",
            "/etc/shadow", f"/proc/{{GRADER}}/environ", f"/proc/{{GRADER}}/mem")],
        "writes": [tried(lambda: write(one)) for one in (
            results + "/results.json", results + "/mine.json", ROOT + "/run_autograder",
            ROOT + "/source/grader/__init__.py", ROOT + "/submission/hw.py")],
        "folders": {{os.path.basename(one): tried(lambda: str(os.listdir(one)))
                    for one in folders}},
        "signal": tried(lambda: os.kill(GRADER, signal.SIGTERM)),
        "processes": storm(),
    }}
    subprocess.Popen(["setsid", "sh", "-c", {hopper!r}], stdin=subprocess.DEVNULL,
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                     env={{**os.environ, "HOP": {hopper!r}}})
    return found

def grader():
    """The process of root's that started this worker."""
    pid = os.getpid()
    while True:
        fields = read(f"/proc/{{pid}}/status").splitlines()
        names = dict(line.split(":", 1) for line in fields if ":" in line)
        if names["Uid"].split()[0] == "0":
            return pid
        pid = int(names["PPid"])

GRADER = grader()
'''
# In place of a Python without torch: `venv` makes wrappers, and nothing is installed.
PYTHON = """\
#!/bin/sh
case "$2" in
  venv) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; printf '#!/bin/sh\\n' > "$3/bin/pip"
        chmod 755 "$3/bin/pip" ;;
  compileall|*ensurepip*) ;;
  *) exec {python} "$@" ;;
esac
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that other users can read, as in Gradescope's container; pytest's are private."""
    with tempfile.TemporaryDirectory(prefix="gradescope-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def image(place: Path) -> Path:
    """The programs of a base image: two that run as root, and one that everybody may run."""
    folder = place / "image"
    folder.mkdir()
    for name, mode in (("su", 0o4755), ("wall", 0o2755), ("ls", 0o755)):
        copy_of_id(folder / name, mode)
    return folder


def copy_of_id(path: Path, mode: int) -> None:
    shutil.copyfile(shutil.which("id") or "", path)
    path.chmod(mode)


@pytest.fixture(scope="module")
def autograder(place: Path, image: Path) -> Path:
    """/autograder after setup.sh, which had an interpreter that has torch already."""
    python = interpreter(place / "interpreter")
    if python is None:
        pytest.skip("no interpreter of this version that other users than root can run")
    write_files(place / "homework", HOMEWORK)
    made = CliRunner().invoke(
        cli, ["export", "autograder", "--rubric", str(place / "homework" / "rubric.yaml"),
              "--to", str(place / "autograder.zip")],
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    root = place / "autograder"
    unpacked(place / "autograder.zip", root)
    root.chmod(0o755)
    (root / "results").chmod(0o777)   # whatever Gradescope gives it
    write_files(place / "bin", {"python3.13": PYTHON.format(python=python)})
    (place / "bin" / "python3.13").chmod(0o755)
    subprocess.run(
        ["bash", str(root / "source" / "setup.sh")], check=True, capture_output=True,
        env={"PATH": f"{place / 'bin'}:{os.environ['PATH']}", "AUTOGRADER": str(root),
             "IMAGE_ROOT": str(image)},
    )  # fmt: skip
    return root


@pytest.fixture(scope="module")
def told(autograder: Path, image: Path, place: Path) -> dict[str, Any]:
    """The findings of the hostile submission, with its results and those of an honest one."""
    copy_of_id(image / "late", 0o4755)   # a package that was installed after setup.sh
    copy_of_id(image / "late-group", 0o2755)
    temporary = place / "tmp"
    temporary.mkdir()
    temporary.chmod(0o1777)
    other = write_files(temporary / "grader-other", {"hw.py": "another student's"})
    other.chmod(0o700)
    os.chown(other, OTHER, OTHER)
    beat = temporary / "beat"
    hopper = HOPPER.format(beat=beat, file=autograder / "results" / "results.json")
    hostile = HOSTILE.format(root=str(autograder), image=str(image), hopper=hopper)
    places = {"TMPDIR": str(temporary), "TOLD": str(place / "told.json")}
    results, _ = graded(autograder, {"hw.py": hostile}, places)
    found = dict(json.loads((place / "told.json").read_text(encoding="utf-8")))
    size = beat.stat().st_size
    again, _ = graded(autograder, {"hw.py": HONEST}, places)
    grown = beat.stat().st_size - size
    return found | {"results": results, "honest": again, "hopped": size, "later": grown}


def test_setup_takes_the_rights_of_setuid_programs_away(autograder: Path, image: Path) -> None:
    modes = {name: (image / name).stat().st_mode & 0o7777 for name in ("su", "wall", "ls")}
    assert modes == {"su": 0o755, "wall": 0o755, "ls": 0o755}


def test_a_setuid_program_that_is_there_all_the_same_gains_nothing(
    told: dict[str, Any], image: Path
) -> None:
    by_another = subprocess.run(
        [str(image / "late"), "-u"], user=USER, group=USER, extra_groups=[], text=True,
        capture_output=True, check=True, cwd="/",
    )  # fmt: skip
    assert by_another.stdout == "0\n"   # the program would work
    assert told["user"] > 60_000 and told["setuid"] == told["setgid"] == str(told["user"])
    assert [line.split()[1] for line in told["rights"]] == ["0" * 16, "1"]


def test_neither_the_homework_nor_the_grader_s_memory_is_read(told: dict[str, Any]) -> None:
    assert set(told["opens"]) == {"PermissionError"}


def test_another_worker_s_folder_is_closed(told: dict[str, Any]) -> None:
    assert told["folders"]["grader-other"] == "PermissionError"
    assert set(told["folders"].values()) == {"PermissionError"}, told["folders"]


def test_nothing_is_written_into_results_grader_or_submission(
    told: dict[str, Any], autograder: Path
) -> None:
    assert set(told["writes"]) == {"PermissionError"} and told["signal"] == "PermissionError"
    assert [one.name for one in (autograder / "results").iterdir()] == ["results.json"]


def test_a_storm_of_processes_stays_below_the_limit(told: dict[str, Any]) -> None:
    assert 10 < told["processes"] < PROCESSES


def test_a_process_that_starts_itself_for_ever_ends_with_its_worker(told: dict[str, Any]) -> None:
    assert told["hopped"] and not told["later"]


def test_the_hostile_and_the_honest_get_the_points_of_their_answers(told: dict[str, Any]) -> None:
    assert told["results"]["score"] == told["honest"]["score"] == 2


def test_processes_that_fork_faster_than_they_are_listed_are_ended(place: Path) -> None:
    beat = place / "beat"
    beat.touch()
    beat.chmod(0o666)
    hopper = HOPPER.format(beat=beat, file="/dev/null")
    for _ in range(3):
        subprocess.Popen(
            ["prlimit", "--nproc=4000", "setsid", "sh", "-c", hopper], user=USER, group=USER,
            extra_groups=[], cwd="/", env={"PATH": os.environ["PATH"], "HOP": hopper},
        ).wait(10)  # fmt: skip
    waited = time.monotonic()
    while beat.stat().st_size < 100 and time.monotonic() - waited < 30:
        time.sleep(0.02)
    unprivileged._end_all_of(USER)
    size = beat.stat().st_size
    time.sleep(0.3)
    assert beat.stat().st_size == size >= 100


def test_a_process_that_cannot_be_ended_is_a_failure_of_the_harness(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unprivileged, "PATIENCE", 0.1)
    monkeypatch.setattr(unprivileged, "_processes_of", lambda user: [psutil.Process()])
    with pytest.raises(SandboxError, match="1 processes of a worker"):
        unprivileged._end_all_of(USER)


def test_without_util_linux_no_student_s_code_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxError, match="setpriv"):
        unprivileged.UnprivilegedSandbox()
