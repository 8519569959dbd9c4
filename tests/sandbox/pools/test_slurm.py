"""Workers as jobs of Slurm, locked in by bubblewrap: a real cluster of two nodes on this machine.

The cases of the sandbox's contract come from `test_contract`, with `sandbox` of this module.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from grader import wire
from grader.errors import UsageError
from grader.records import Question
from grader.rubric.model import Limits
from grader.sandbox.base import Job
from grader.sandbox.conversation import converse
from grader.sandbox.outcomes import NODE_LOST, NOT_STARTED, PROCESS_LIMIT
from grader.sandbox.pools import slurm_commands
from grader.sandbox.pools.launchers import Bubblewrap
from grader.sandbox.pools.slurm_pool import SlurmPool, unheld
from grader.sandbox.pools.slurm_sandbox import SlurmSandbox
from tests.faults.a_class import (
    FULL,
    HONEST,
    ROOT,
    RUBRIC,
    Grader,
    eventually,
    marks,
    verdicts,
)
from tests.hostile.case import read_cases
from tests.sandbox.test_contract import (  # noqa: F401 - cases and their fixture
    RETURNS,
    TINY,
    answers,
    ask,
    group,
    job_of,
    outcome,
    rest_is_unharmed,
    test_a_child_that_holds_the_pipes_does_not_hide_that_its_parent_ended,
    test_a_flood_of_output_is_cut_and_costs_nothing,
    test_a_loop_costs_its_own_question_only,
    test_a_segfault_is_named,
    test_a_student_who_prints_an_answer_has_not_answered,
    test_a_submission_that_is_not_there_is_the_harnesss_fault,
    test_an_answer_comes_back,
    test_an_exception_names_the_students_line,
    test_code_finds_an_ordinary_collector,
    test_exiting_early_is_the_students_fault,
    test_ignoring_every_signal_does_not_outlast_the_limit,
    test_too_much_memory_is_named_and_spares_the_rest,
    test_what_was_printed_before_an_answer_comes_with_it,
)
from tests.support.autograder import interpreter
from tests.support.slurm_cluster import SlurmCluster, missing, slurm_cluster

NOBODY = 65_534
BOMB = "resources/starts_10000_threads"   # root has no limit on processes, and others have
SMALL = {"memory_mib": 1024, "cpus": 1}


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    """Without Slurm the test is skipped; with GRADER_REQUIRE_DOCKER=1, as in CI, it fails."""
    if lacking := missing():
        why = f"no {lacking[0]} on this machine: apt-get install slurm-wlm munge bubblewrap"
        if os.environ.get("GRADER_REQUIRE_DOCKER") == "1":
            pytest.fail(f"{why}, and GRADER_REQUIRE_DOCKER=1 demands all")
        pytest.skip(why)
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))   # a socket's path is short
    folder.chmod(0o755)
    try:
        with slurm_cluster(folder) as found, pytest.MonkeyPatch.context() as patch:
            for name, value in found.environment.items():
                patch.setenv(name, value)
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def sandbox(cluster: SlurmCluster) -> Iterator[SlurmSandbox]:
    folder = cluster.folder / "run"
    folder.mkdir()
    found = SlurmSandbox(Bubblewrap.prepared(folder), folder, "contract")
    yield found
    found.close()


@pytest.fixture(autouse=True)
def enough_of_a_cluster(cluster: SlurmCluster, request: pytest.FixtureRequest) -> None:
    """Slurm's memory limit needs root and cgroups version 1; without them its test is skipped."""
    needed = request.function is test_too_much_memory_is_named_and_spares_the_rest
    if needed and not cluster.limits_memory:
        pytest.skip("this Slurm cannot limit memory: that needs root and cgroups version 1")


@dataclass(frozen=True)
class Somebody:
    """An ordinary user, who may use Slurm; None: this one.

    Attributes:
        user: The id, where this process is root's.
        python: An interpreter with torch that this user can run.
        home: A folder of this user's.
        environment: Variables by which this user finds the cluster and this checkout.
    """

    user: int | None
    python: str
    home: Path
    environment: Mapping[str, str]

    @property
    def groups(self) -> list[int] | None:
        return None if self.user is None else []


@pytest.fixture
def somebody(
    cluster: SlurmCluster, own_python: str, request: pytest.FixtureRequest
) -> Somebody:
    user = NOBODY if os.geteuid() == 0 else None
    home = cluster.folder / hashlib.sha256(request.node.name.encode()).hexdigest()[:8]
    home.mkdir()
    if user is not None:
        os.chown(home, user, user)
    return Somebody(user, own_python, home, cluster.environment | {
        "HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    })  # fmt: skip


@pytest.fixture(scope="module")
def own_python(cluster: SlurmCluster) -> str:
    found = interpreter(cluster.folder / "python")
    if found is None:
        pytest.skip("other users can run no Python of this version")
    return found


# What a worker can reach --------------------------------------------------------------------------


def attacked(place: str) -> dict[str, str]:
    """Names of hostile cases (`machine`, and a bomb) with what each reached; "" is nothing.

    One worker is asked all of them, one after the other.
    """
    run, submission = Path(place, "run"), Path(place, "student")
    cases = [one for one in read_cases()
             if (one.group == "machine" and one.criteria == ("layer-counts",) and not one.others)
             or one.name == BOMB]
    networks = [TINY | {"num_classes": 10 + number} for number in range(len(cases))]
    for folder in (run, submission):
        folder.mkdir()
    (submission / "hw2.py").write_text(
        f"CODES = {[one.code for one in cases]!r}\n"
        "def layer_parameter_counts(model):\n"
        "    own = {'__name__': 'hw2', '__file__': __file__}\n"
        "    exec(CODES[model.fc.out_features - 10], own)\n"
        "    return own['layer_parameter_counts'](model)\n", encoding="utf-8",
    )
    questions = tuple(
        Question(case.name, "layer_counts", {"network": network}, case.name, 60)
        for case, network in zip(cases, networks, strict=True)
    )
    job = Job("student", submission, questions, Limits(memory_mib=1024, cpus=1, pids=128))
    sandbox = SlurmSandbox(Bubblewrap.prepared(run), run, "attacked")
    return {
        one.question.id: "" if one.outcome.answered else f"{one.outcome.kind} {one.outcome.message}"
        for one in converse(sandbox, job)
    }


def test_attacks_on_the_machine_reach_nothing_from_bubblewrap(
    cluster: SlurmCluster, somebody: Somebody
) -> None:
    code = ("import json, sys; from tests.sandbox.pools.test_slurm import attacked;"
            "print(json.dumps(attacked(sys.argv[1])))")
    done = subprocess.run(
        [somebody.python, "-c", code, str(somebody.home)], cwd=ROOT, env=somebody.environment,
        user=somebody.user, group=somebody.user, extra_groups=somebody.groups,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) > 10
    assert found.pop(BOMB).startswith(PROCESS_LIMIT)
    assert {name: what for name, what in found.items() if what} == {}


def test_a_full_scratch_folder_is_told_from_other_ends(
    sandbox: SlurmSandbox, tmp_path: Path
) -> None:
    body = "open('large', 'wb').write(b'x' * 2**26)"
    found = ask(sandbox, tmp_path, group(body), scratch_mib=32, **SMALL)
    assert outcome(found) == ("disk_limit", "student")
    assert rest_is_unharmed(found)


# Slurm's own doings -------------------------------------------------------------------------------


def questions(seconds: float = 120) -> tuple[Question, ...]:
    return (Question("q", "parameter_groups", {"network": TINY}, "q", seconds),)


@dataclass(frozen=True)
class Lacking(Bubblewrap):
    """Needs a file that no node has."""

    @property
    def needs(self) -> tuple[Path, ...]:
        return (*super().needs, Path("/nonexistent/shared"))


def test_a_folder_that_a_node_does_not_see_is_named(
    cluster: SlurmCluster, sandbox: SlurmSandbox, tmp_path: Path
) -> None:
    folder = cluster.folder / "run"
    lacking = SlurmSandbox(Lacking(folder), folder, "lacking")
    (evidence,) = converse(lacking, job_of(tmp_path, group(RETURNS), questions(), **SMALL))
    assert evidence.outcome.kind == NODE_LOST
    assert "has no /nonexistent/shared" in evidence.outcome.message
    assert "TMPDIR" in evidence.outcome.message


def test_what_slurm_refuses_is_said_in_its_own_words(
    cluster: SlurmCluster, sandbox: SlurmSandbox, tmp_path: Path
) -> None:
    folder = cluster.folder / "run"
    wrong = SlurmSandbox(Bubblewrap(folder), folder, "wrong", ["--partition=nowhere"])
    (evidence,) = converse(wrong, job_of(tmp_path, group(RETURNS), questions(), **SMALL))
    assert evidence.outcome.kind == NOT_STARTED
    assert "invalid partition" in evidence.outcome.message.lower()


def test_a_start_lasts_as_long_as_the_queue_and_a_stop_ends_it(
    cluster: SlurmCluster, sandbox: SlurmSandbox, tmp_path: Path
) -> None:
    """The limit on a start counts from `start`'s end, so not while a job waits for a node."""
    folder, stop = cluster.folder / "run", threading.Event()
    patient = SlurmSandbox(Bubblewrap(folder), folder, "queue", stop=stop)
    job = job_of(tmp_path, group(RETURNS), questions(), **SMALL)
    others = [
        cluster.ask("sbatch", "--parsable", "--exclusive", f"--nodelist={node}", "--chdir=/",
                    "--output=/dev/null", "--wrap=sleep 600").strip()
        for node in cluster.nodes
    ]  # fmt: skip
    ended: list[tuple[str, str]] = []

    def grade() -> None:
        (evidence,) = converse(patient, job)
        ended.append((evidence.outcome.kind, evidence.outcome.message))

    def waiting() -> int:
        return sum("grader-queue PENDING" in line for line in cluster.jobs())

    threads = [threading.Thread(target=grade) for _ in range(2)]
    threads[0].start()
    assert eventually(lambda: waiting() == 1)
    assert not ended
    cluster.ask("scancel", others[0])
    threads[0].join(120)
    assert ended == [(wire.ANSWERED, "")]
    others += [cluster.ask("sbatch", "--parsable", "--exclusive", f"--nodelist={cluster.nodes[0]}",
                           "--chdir=/", "--output=/dev/null", "--wrap=sleep 600").strip()]
    assert eventually(lambda: sum("RUNNING" in line for line in cluster.jobs()) == 2)
    threads[1].start()
    assert eventually(lambda: waiting() == 1)
    stop.set()
    threads[1].join(60)
    cluster.ask("scancel", *others[1:])
    assert ended[1][0] == NOT_STARTED
    assert "stopped before Slurm had room" in ended[1][1]
    assert eventually(lambda: cluster.jobs() == [])


def test_a_job_that_somebody_cancels_is_nobodys_fault(
    cluster: SlurmCluster, sandbox: SlurmSandbox, tmp_path: Path
) -> None:
    code = group(f"time.sleep(600)\n{RETURNS}")
    job = job_of(tmp_path, code, questions(), **SMALL)

    def cancel() -> None:
        assert eventually(lambda: any("RUNNING" in line for line in cluster.jobs()), 60)
        cluster.ask("scancel", "--name=grader-contract")

    threading.Thread(target=cancel).start()
    (evidence,) = converse(sandbox, job)
    assert evidence.outcome.owner == "harness"
    assert "CANCELLED" in evidence.outcome.message


def test_root_is_refused_because_jobs_would_run_as_root(tmp_path: Path) -> None:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("this user is not root")
    with pytest.raises(UsageError, match="as another user"):
        SlurmPool().open(tmp_path, print, threading.Event())


def test_the_doctor_hears_of_each_node_what_it_has_and_what_is_not_limited(
    cluster: SlurmCluster,
) -> None:
    reports = SlurmPool(image=None).probe()
    assert [one.name for one in reports] == list(cluster.nodes)
    assert [one.problems for one in reports] == [(), ()]
    assert all(one.cpus == os.cpu_count() and one.memory_mib == 6000 for one in reports)
    said = " ".join(reports[0].warnings)
    assert "ConstrainDevices=yes" in said
    assert ("ConstrainRAMSpace" in said) != cluster.limits_memory
    assert "locks on the data set" in said


# Whole runs ---------------------------------------------------------------------------------------

RIGHT = HONEST
WRONG = HONEST.replace("counts[name] = own", "counts[name] = own + 1")
RAISES = "raise RuntimeError('not today')\n"
# Takes seconds, and says that it has begun.
SLOW = HONEST.replace(
    "def layer_parameter_counts(model):",
    "def layer_parameter_counts(model):\n    import time\n    time.sleep(3)",
)


@contextmanager
def grading(
    somebody: Somebody, codes: Mapping[str, str], *more: str, at_a_time: int = 4
) -> Iterator[Grader]:
    """`grader run` as this user, on a class of these submissions by the student's name."""
    submissions, out = somebody.home / "in", somebody.home / "out"
    if not submissions.exists():
        submissions.mkdir()
        for name, code in codes.items():
            (submissions / f"{name}.py").write_text(code, encoding="utf-8")
    process = subprocess.Popen(
        [somebody.python, "-m", "grader", "run", str(submissions), "--rubric", str(RUBRIC),
         "--criterion", "layer-counts", "--out", str(out), "--jobs", str(at_a_time), *more],
        cwd=ROOT, env={**somebody.environment, "PYTHONUNBUFFERED": "1"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        user=somebody.user, group=somebody.user, extra_groups=somebody.groups,
    )  # fmt: skip
    try:
        yield Grader(process, out)
    finally:
        process.kill()
        process.communicate()


RECORDER = """#!/bin/sh
{ for word; do printf '%s\\0' "$word"; done; env -0; } >> RECORD
exec REAL "$@"
"""


def test_a_class_gets_the_marks_that_it_gets_here_and_no_name_travels(somebody: Somebody) -> None:
    """Four submissions and the reference on two nodes, so some wait in Slurm's queue."""
    codes = {"lovelace": RIGHT, "hopper": WRONG, "noether": RAISES, "germain": RIGHT}
    tools = somebody.home / "tools"
    tools.mkdir()
    real = shutil.which("srun", path=somebody.environment["PATH"])
    assert real
    record = somebody.home / "record"
    recorder = RECORDER.replace("REAL", real).replace("RECORD", str(record))
    (tools / "srun").write_text(recorder, encoding="utf-8")
    (tools / "srun").chmod(0o755)
    watched = replace(somebody, environment={
        **somebody.environment, "PATH": f"{tools}:{somebody.environment['PATH']}",
    })  # fmt: skip
    with grading(watched, codes, "--on", "slurm", "--engine-args", "--partition=all") as grader:
        assert grader.end() == 0, grader.text
    found = marks(grader.out)
    assert "Not as in a container: " in grader.text
    travelled = record.read_bytes().split(b"\0")
    assert travelled.count(b"--partition=all") == len(codes) + 2   # the first job, the reference
    for word in (*codes, "layer-counts", "threshold", "rubric", "reference"):
        seen = [one for one in travelled if word.encode() in one.lower()]
        assert not seen, f"{word} in {seen}"
    shutil.rmtree(grader.out)
    with grading(somebody, codes, "--sandbox", "process", at_a_time=1) as grader:
        assert grader.end() == 0, grader.text
    assert found == marks(grader.out)
    assert [found[name] for name in codes if codes[name] is RIGHT] == [FULL, FULL]
    assert found["hopper"] != FULL


def test_a_node_that_dies_costs_nobody_a_point(cluster: SlurmCluster, somebody: Somebody) -> None:
    codes = {name: SLOW.replace("sleep(3)", "sleep(6)") for name in ("lovelace", "hopper")}
    with grading(somebody, codes, "--on", "slurm") as grader:
        grader.wait_for("getting ready|Room for")
        assert eventually(
            lambda: len({line.split()[-1] for line in cluster.jobs() if "RUNNING" in line}) == 2, 60
        )
        cluster.kill_node(cluster.nodes[0])
        try:
            assert grader.end() == 0, grader.text
        finally:
            cluster.start_node(cluster.nodes[0])
    assert marks(grader.out) == dict.fromkeys(codes, FULL)
    assert eventually(lambda: cluster.jobs() == [])


def test_ctrl_c_ends_what_is_queued_and_finishes_what_runs(
    cluster: SlurmCluster, somebody: Somebody
) -> None:
    codes = {f"student{number}": SLOW for number in range(7)}
    with grading(somebody, codes, "--on", "slurm", at_a_time=3) as grader:
        grader.wait_for(r"^\[1/7\]")   # so the reference has been asked
        assert eventually(lambda: any("PENDING" in line for line in cluster.jobs()), 30)
        grader.interrupt()
        grader.wait_for("Ctrl-C again to stop at once")
        assert grader.end() == 130, grader.text
    done = marks(grader.out)
    assert 0 < len(done) < 7
    assert set(done.values()) == {FULL}
    assert {status for _, _, status in verdicts(grader.out)} == {"passed"}
    assert cluster.jobs() == []


def test_a_killed_grader_leaves_no_job_running_or_queued(
    cluster: SlurmCluster, somebody: Somebody
) -> None:
    codes = {f"student{number}": SLOW.replace("sleep(3)", "sleep(60)") for number in range(4)}
    with grading(somebody, codes, "--on", "slurm") as grader:
        assert eventually(lambda: sum("PENDING" in one for one in cluster.jobs()) > 0, 60)
        assert eventually(lambda: sum("RUNNING" in one for one in cluster.jobs()) == 2, 60)
        grader.kill()
    assert eventually(lambda: cluster.jobs() == [], 30)


# Pure ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gres", "expected"), [
    ("(null)", ()),
    ("gpu:2", ("unknown", "unknown")),
    ("gpu:a100:2(S:0-1),gpu:v100:1,lustre:no_consume:1", ("a100", "a100", "v100")),
])  # fmt: skip
def test_the_models_of_gpus_are_read_from_slurms_words(
    gres: str, expected: tuple[str, ...]
) -> None:
    assert slurm_commands.models(gres) == expected


@pytest.mark.parametrize("words", [
    ["--partition=a", "-p", "gpu"], ["-pgpu"], ["--time=1", "--partition", "gpu"],
])  # fmt: skip
def test_the_partition_is_the_one_that_srun_takes(words: list[str]) -> None:
    assert slurm_commands.value_of(words, "partition", "p") == "gpu"
    assert slurm_commands.value_of(["--account=p"], "partition", "p") is None


def test_what_slurm_does_not_limit_is_named_with_its_key() -> None:
    holds = {
        "taskplugin": "task/cgroup,task/affinity", "constrainramspace": "yes",
        "constrainswapspace": "yes", "constraincores": "yes", "constraindevices": "no",
    }
    assert unheld(holds, gpus=False) == ()
    (devices,) = unheld(holds, gpus=True)
    assert "ConstrainDevices=yes" in devices
    assert len(unheld(holds | {"taskplugin": "task/none"}, gpus=True)) == 4
    assert "TaskPlugin=task/cgroup" in unheld({}, gpus=False)[0]


def test_a_job_of_slurm_s_that_the_grader_runs_in_is_not_its_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_ACCOUNT", "cs101")
    monkeypatch.setenv("CANVAS_TOKEN", "secret")
    found = slurm_commands.environment()
    assert found["SLURM_ACCOUNT"] == "cs101"
    assert not {"SLURM_JOB_ID", "CANVAS_TOKEN"} & set(found)
