"""The contract of a sandbox: one suite for every sandbox, with code that misbehaves.

Each case gets two questions, so that damage by the first one shows in the second. Cases that may
follow each other share a worker; the others are a submission of one file and a worker each.
"""

from __future__ import annotations

import secrets
import textwrap
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from grader import wire
from grader.checks.hidden_networks import RESNET18
from grader.records import Evidence, Question
from grader.rubric.model import Limits
from grader.sandbox.base import Job, Sandbox
from grader.sandbox.conversation import converse
from grader.sandbox.outcomes import MEMORY_LIMIT, NOT_STARTED, OWNER
from grader.sandbox.process import ProcessSandbox
from tests.factories import DOCKER, requested_sandbox

TINY = RESNET18 | {"layers": [1, 1, 1, 1], "width": 16, "num_classes": 10}
GOOD_COUNTS = """
def layer_parameter_counts(model):
    return {n: sum(p.numel() for p in m.parameters(recurse=False)) for n, m in model.named_modules()
            if any(True for _ in m.parameters(recurse=False))}
"""


@pytest.fixture(
    scope="module",
    params=["process", "spawned", DOCKER],
)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """`spawned` is how the worker starts its sessions where fork is not safe."""
    return requested_sandbox(request)


def ask(
    sandbox: Sandbox, folder: Path, code: str, *, seconds: float = 30, **limits: int
) -> Mapping[str, Evidence]:
    """Evidence on a submission of one file, by kind of question."""
    questions = tuple(Question(kind, kind, {"network": TINY}, kind, seconds) for kind in KINDS)
    found = converse(sandbox, job_of(folder, code, questions, **limits))
    return {evidence.question.id: evidence for evidence in found}


def job_of(
    folder: Path, code: str, questions: tuple[Question, ...], **limits: int
) -> Job:
    """These questions to a submission of one file, which also answers `layer_counts`."""
    submission = folder / "student"
    submission.mkdir()
    for path in (folder.parent, folder, submission):
        path.chmod(0o755)   # a container's user is another one
    (submission / "hw2.py").write_text(code + GOOD_COUNTS, encoding="utf-8")
    (submission / "hw2.py").chmod(0o644)
    return Job("student", submission, questions, Limits(**limits))


def group(body: str) -> str:
    """A submission whose `group_parameters` does something."""
    lines = "\n".join("    " + line for line in body.splitlines())
    return f"import os, sys, time, signal\ndef group_parameters(model):\n{lines}\n"


RETURNS = "return [], [], list(model.parameters())"
# Bodies of `group_parameters` that may follow each other in one worker, with the seconds of each.
BODIES: Mapping[str, tuple[str, float]] = {
    "honest": (RETURNS, 30),
    "exception": ("x = 1\nreturn x / 0", 30),
    "loop": ("while True: pass", 5),
    "no signal": (
        "for number in range(1, 65):\n"
        "    try: signal.signal(number, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n"
        "while True: time.sleep(1)", 5,
    ),
    "os._exit(0)": ("os._exit(0)", 30),
    "sys.exit(0)": ("sys.exit(0)", 30),
    "os._exit(137)": ("os._exit(137)", 30),
    "segfault": ("import ctypes\nctypes.string_at(0)", 30),
    "flood": (
        "print('first')\n"
        "for _ in range(3000): print('x' * 10000)\n"
        "os.write(2, b'last')\n"
        "sys.stdout.flush()\n" + RETURNS, 30,
    ),
    "forged": (
        "import json, struct\n"
        "head = json.dumps({'type': 'answer', 'id': 'parameter_groups', 'outcome': 'answered',\n"
        "                   'value': {'lists': 'forged'}, 'blobs': []}).encode()\n"
        "frame = struct.pack('>IQ', len(head), 0) + head\n"
        "for fd in (0, 1, 2):\n"
        "    try: os.write(fd, frame)\n"
        "    except OSError: pass\n"
        "raise ValueError('the honest end')", 30,
    ),
    "pipes": ("if os.fork(): os._exit(0)\nos.setsid()\ntime.sleep(600)", 60),
    "collector": (
        "import gc, weakref\n"
        "class Loop: pass\n"
        "one = Loop(); one.own = one; seen = weakref.ref(one); del one\n"
        "assert gc.isenabled() and gc.get_threshold()[0] > 0\n"
        "gc.collect()\n"
        "assert seen() is None\n" + RETURNS, 30,
    ),
    "printed": ("print('before the answer')\n" + RETURNS, 30),
}  # fmt: skip
CHOOSES = """
def group_parameters(model):
    return globals()[f"body_{model.fc.out_features}"](model)
"""
KINDS = ("parameter_groups", "layer_counts")
Answers = Mapping[str, Mapping[str, Evidence]]


@pytest.fixture(scope="module")
def answers(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Evidence on each of BODIES by kind of question, from one worker.

    One submission holds all bodies. Networks with different numbers of classes tell it which of
    them is asked for; after each of them comes the question that shows damage.
    """
    folder = tmp_path_factory.mktemp("contract")
    networks = [TINY | {"num_classes": 10 + number} for number in range(len(BODIES))]
    bodies = "".join(
        f"def body_{network['num_classes']}(model):\n" + textwrap.indent(body, "    ") + "\n"
        for network, (body, _) in zip(networks, BODIES.values(), strict=True)
    )
    code = "import os, sys, time, signal\n" + bodies + CHOOSES
    questions = tuple(
        Question(f"{kind} {name}", kind, {"network": network}, f"{kind} {name}", limit)
        for network, (name, (_, seconds)) in zip(networks, BODIES.items(), strict=True)
        for kind, limit in zip(KINDS, (seconds, 30.0), strict=True)
    )
    found = converse(sandbox, job_of(folder, code, questions, output_kib=16))
    return {
        name: {one.question.kind: one for one in found if one.question.id.endswith(f" {name}")}
        for name in BODIES
    }


def outcome(found: Mapping[str, Evidence]) -> tuple[str, str]:
    return found["parameter_groups"].outcome.kind, found["parameter_groups"].outcome.owner


def rest_is_unharmed(found: Mapping[str, Evidence]) -> bool:
    return found["layer_counts"].outcome.answered


def test_an_answer_comes_back(answers: Answers) -> None:
    found = answers["honest"]
    assert outcome(found) == (wire.ANSWERED, "student")
    lists = found["parameter_groups"].value["lists"]
    assert [len(row["names"]) for row in lists] == [0, 0, 38]
    assert rest_is_unharmed(found)


def test_an_exception_names_the_students_line(
    answers: Answers, tmp_path_factory: pytest.TempPathFactory
) -> None:
    found = answers["exception"]
    assert outcome(found) == (wire.EXCEPTION, "student")
    assert "hw2.py, line 6: ZeroDivisionError" in found["parameter_groups"].outcome.message
    assert "return x / 0" in found["parameter_groups"].outcome.traceback
    assert str(tmp_path_factory.getbasetemp()) not in found["parameter_groups"].outcome.traceback
    assert rest_is_unharmed(found)


def test_a_loop_costs_its_own_question_only(answers: Answers) -> None:
    found = answers["loop"]
    assert outcome(found) == (wire.TIME_LIMIT, "student")
    assert rest_is_unharmed(found)


def test_a_file_that_never_ends_is_waited_for_once(sandbox: Sandbox, tmp_path: Path) -> None:
    began = time.monotonic()
    found = ask(sandbox, tmp_path, "while True: pass\n", seconds=4)
    assert {evidence.outcome.kind for evidence in found.values()} == {wire.TIME_LIMIT}
    assert {evidence.outcome.phase for evidence in found.values()} == {"load"}
    assert time.monotonic() - began < 60


def test_ignoring_every_signal_does_not_outlast_the_limit(answers: Answers) -> None:
    found = answers["no signal"]
    assert outcome(found) == (wire.TIME_LIMIT, "student")
    assert rest_is_unharmed(found)


@pytest.mark.parametrize("body", ["os._exit(0)", "sys.exit(0)", "os._exit(137)"])
def test_exiting_early_is_the_students_fault(answers: Answers, body: str) -> None:
    found = answers[body]
    assert outcome(found) == (wire.EXITED, "student")
    assert rest_is_unharmed(found)


def test_a_segfault_is_named(answers: Answers) -> None:
    found = answers["segfault"]
    assert outcome(found) == (wire.CRASHED, "student")
    assert found["parameter_groups"].outcome.message == "SIGSEGV"
    assert rest_is_unharmed(found)


def test_too_much_memory_is_named_and_spares_the_rest(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    body = "held = []\nwhile True: held.append(bytearray(b'x' * 2**24))"
    found = ask(sandbox, tmp_path, group(body), seconds=60, memory_mib=1024)
    assert outcome(found) == (MEMORY_LIMIT, "student")
    assert rest_is_unharmed(found)


def test_a_flood_of_output_is_cut_and_costs_nothing(answers: Answers) -> None:
    found = answers["flood"]
    assert outcome(found) == (wire.ANSWERED, "student")
    text = found["parameter_groups"].outcome.output
    assert len(text) < 20_000
    assert text.startswith("first")
    assert "bytes left out" in text


def test_a_student_who_prints_an_answer_has_not_answered(answers: Answers) -> None:
    found = answers["forged"]
    assert outcome(found) == (wire.EXCEPTION, "student")
    assert rest_is_unharmed(found)


def test_files_of_one_session_are_gone_in_the_next(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    code = "open('hw2.py', 'w').write('raise SystemExit(3)')\n" + group("return [], [], []")
    found = ask(sandbox, tmp_path, code)
    assert rest_is_unharmed(found)
    assert (tmp_path / "student" / "hw2.py").read_text(encoding="utf-8").startswith("open(")


def test_a_child_left_behind_does_not_hold_the_answer_up(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    body = (
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    time.sleep(600)\n"
        "    os._exit(0)\n"
        "return [], [], list(model.parameters())"
    )
    began = time.monotonic()
    found = ask(sandbox, tmp_path, group(body))
    assert outcome(found) == (wire.ANSWERED, "student")
    assert rest_is_unharmed(found)
    assert time.monotonic() - began < 60


def test_a_child_that_holds_the_pipes_does_not_hide_that_its_parent_ended(answers: Answers) -> None:
    found = answers["pipes"]
    assert outcome(found) == (wire.EXITED, "student")
    assert found["parameter_groups"].outcome.seconds < 30
    assert rest_is_unharmed(found)


def test_a_detached_process_ends_with_its_session(sandbox: Sandbox, tmp_path: Path) -> None:
    mark = secrets.token_hex(16)
    program = f"import time\ntime.sleep(600)  # {mark}"
    body = (
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork(): os._exit(0)\n"
        f"    os.execv(sys.executable, [sys.executable, '-c', {program!r}])\n"
        "os.wait()\n"
        "time.sleep(1)\n"
        "return [], [], list(model.parameters())"
    )
    seen: list[bool] = []

    def watch() -> None:
        while not seen or (not seen[-1] and len(seen) < 600):
            seen.append(runs(program))
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    found = ask(sandbox, tmp_path, group(body))
    watcher.join()
    assert outcome(found) == (wire.ANSWERED, "student")
    assert seen[-1], "it did run"
    assert not runs(program)


def runs(program: str) -> bool:
    """Say if this machine has a process with that argument."""
    found = (process.info["cmdline"] or () for process in psutil.process_iter(["cmdline"]))
    return any(program in line for line in found)


def test_a_submission_that_is_not_there_is_the_harnesss_fault(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    question = Question("q", "layer_counts", {"network": TINY}, "q", 30)
    job = Job("nobody", tmp_path / "missing", (question,), Limits())
    (evidence,) = converse(sandbox, job)
    assert evidence.outcome.owner == "harness"


def test_a_worker_that_never_gets_ready_is_the_harnesss_fault(tmp_path: Path) -> None:
    broken = ProcessSandbox({"PYTHONHOME": str(tmp_path)})   # no interpreter starts from there
    question = Question("q", "layer_counts", {"network": TINY}, "q", 30)
    (evidence,) = converse(broken, Job("student", tmp_path, (question,), Limits()))
    assert evidence.outcome.kind == NOT_STARTED
    assert evidence.outcome.owner == "harness"


def test_every_kind_of_outcome_has_an_owner() -> None:
    stated = {
        wire.ANSWERED, wire.NOT_FOUND, wire.EXCEPTION, wire.EXITED, wire.CRASHED, wire.TIME_LIMIT,
        wire.BAD_ANSWER, wire.WORKER_FAILED,
    }
    assert stated <= set(OWNER)


def test_code_finds_an_ordinary_collector(answers: Answers) -> None:
    found = answers["collector"]
    assert outcome(found) == (wire.ANSWERED, "student")


def test_what_was_printed_before_an_answer_comes_with_it(answers: Answers) -> None:
    found = answers["printed"]
    assert found["parameter_groups"].outcome.output == "before the answer\n"
    assert found["layer_counts"].outcome.output == ""
