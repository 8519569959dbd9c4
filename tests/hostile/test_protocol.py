"""A worker that is hostile as a whole: what the host makes of it when a container is lost entirely.

The worker is a program of our own in a real container. It reads the question and says what it
likes; the class goes on, nobody earns anything by it, and the host's memory stays flat.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from grader import wire
from grader.records import Question
from grader.rubric.model import Limits
from grader.run.setup import RunSetup
from grader.sandbox import conversation as converse
from grader.sandbox.base import Job
from grader.sandbox.docker import DockerSandbox
from grader.sandbox.outcomes import WORKER_LOST
from tests.hostile.case import HONEST, containers, grade_path, happened, in_sandbox
from tests.hostile.conftest import Verify

MIB = 2**20
FLAT = 150 * MIB

# Before each attack: `say(message, blob)` writes a frame, `out(bytes)` anything at all, and `ask()`
# waits for the next question and returns its id. `GOOD` is an answer as the worker writes it.
WORKER = """
import json, os, struct, time

def read(size):
    data = b""
    while len(data) < size:
        piece = os.read(0, size - len(data))
        if not piece:
            os._exit(0)
        data += piece
    return data

def out(data):
    view = memoryview(data)
    while view:
        view = view[os.write(1, view):]

def frame(message, blob=b""):
    body = json.dumps({"blobs": [len(blob)] if blob else []} | message).encode()
    return struct.pack(">IQ", len(body), len(blob)) + body + blob

def raw(body):
    return struct.pack(">IQ", len(body), 0) + body

def say(message, blob=b""):
    out(frame({"type": "answer", "outcome": "answered"} | message, blob))

def ask():
    header, blobs = struct.unpack(">IQ", read(12))
    message = json.loads(read(header))
    read(blobs)
    return message.get("id")

TABLE = {"frame": 0, "name": "returned", "pairs": [["conv1", 9408]], "cell": 0, "line": 0}
GOOD = {"form": "function", "tables": [TABLE], "replaced": True, "notes": []}
ask()
out(frame({"type": "ready"}))
while True:
    id = ask()
"""

ATTACKS = {
    "a length of four gigabytes": "out(struct.pack('>IQ', 2**32 - 1, 0))",
    "arrays of sixteen exabytes": "out(struct.pack('>IQ', 2, 2**64 - 1) + b'{}')",
    "the answer to another question": "say({'id': 'training', 'value': GOOD})",
    "an old answer again": "say({'id': 'layer-counts/resnet18', 'value': GOOD})",
    "an answer and noise": "say({'id': id, 'value': GOOD}); out(b'noise' * 100)",
    "an answer and half of another": "out(frame({'type': 'answer', 'id': id}) + bytes([0, 0, 1]))",
    "half a frame and silence": "out(struct.pack('>IQ', 500, 0) + b'{'); time.sleep(1000)",
    "half an array and silence": "out(struct.pack('>IQ', 13, 2**26) + b'x' * 2**20); ask()",
    "answers without end":
        "say({'id': id, 'value': GOOD})\n    while True: out(frame({'type': 'ready'}) * 1000)",
    "large answers without end":
        "say({'id': id, 'value': GOOD})\n    while True: say({'id': id}, bytes(2**26))",
    "an array that nobody asked for": "say({'id': id, 'value': GOOD}, bytes(2**26))",
    "megabytes of empty lists":
        "out(raw(b'{\"x\": [' + b'[],' * 1_300_000 + b'[]], \"blobs\": []}'))",
    "megabytes of pairs":
        "say({'id': id, 'value': GOOD | {'tables': [TABLE | {'pairs': [['a', 1]] * 120_000}]}})",
    "megabytes of mistakes":
        "say({'id': id, 'value': GOOD | {'notes': [0] * 400_000}})",
    "megabytes of numbers in what was printed":
        "say({'id': id, 'value': GOOD | {'tables': [], 'printed': True},"
        " 'output': '1' + ',111' * 250_000 + 'a'})",
    "nested a million deep": "out(raw(b'[' * 1_000_000 + b']' * 1_000_000))",
    "the same key twice":
        "out(raw(b'{\"type\": \"answer\", \"type\": \"answer\", \"blobs\": []}'))",
    "a number of 5,000 digits": "out(raw(b'{\"x\": ' + b'9' * 5000 + b', \"blobs\": []}'))",
    "half a character": "out(raw(b'{\"x\": \"\\\\ud800\", \"blobs\": []}'))",
    "not a number": "out(raw(b'{\"x\": NaN, \"blobs\": []}'))",
    "beyond every number": "out(raw(b'{\"x\": 1e999, \"blobs\": []}'))",
    "no value": "say({'id': id})",
    "a value of another shape": "say({'id': id, 'value': [GOOD]})",
    "a count below zero":
        "say({'id': id, 'value': GOOD | {'tables': [TABLE | {'pairs': [['conv1', -9408]]}]}})",
    "true for a count":
        "say({'id': id, 'value': GOOD | {'tables': [TABLE | {'pairs': [['conv1', True]]}]}})",
    "words of wrong types":
        "say({'id': id, 'outcome': ['answered'], 'phase': {}, 'seconds': 'x', 'output': 3,"
        " 'message': [], 'traceback': False})",
    "a word that is the host's own": "say({'id': id, 'outcome': 'worker_lost'})",
}


@contextmanager
def growth() -> Iterator[list[int]]:
    """By how many bytes this process has grown at most, in the list when the context ends."""
    process, most, done = psutil.Process(), [0], threading.Event()
    before = process.memory_info().rss

    def watch() -> None:
        while not done.wait(0.01):
            most[0] = max(most[0], process.memory_info().rss - before)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_worker_that_lies_earns_nothing_and_costs_no_memory(
    setup: RunSetup,
    attack: str,
    verify: Verify,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not isinstance(setup.sandbox, DockerSandbox):
        pytest.skip("a worker of one's own takes the place of another in containers only")
    monkeypatch.setattr(converse, "GRACE_SECONDS", 1.0)
    limits = setup.rubric.limits.model_copy(update={"seconds": 2.0})
    code = f"{WORKER}    {attack}"
    sandbox = dataclasses.replace(setup.sandbox, command=("python", "-c", code))
    owned = dataclasses.replace(
        in_sandbox(setup, sandbox), rubric=setup.rubric.model_copy(update={"limits": limits})
    )
    with growth() as most:
        grade = grade_path(owned, HONEST, ("layer-counts",))
    # A worker that does not even say that its time is over may be the machine's fault.
    must = "not_scored" if attack.endswith("time.sleep(1000)") else "Z"
    verify(f"a hostile worker: {request.node.callspec.id}", (must,), grade)
    print(f"the grader grew by {most[0] / MIB:.0f} MiB")
    assert most[0] < FLAT, f"the grader grew by {most[0] / MIB:.0f} MiB"


def test_the_program_above_is_taken_for_a_worker(setup: RunSetup, tmp_path: Path) -> None:
    """Gives every Z above its meaning: the same program with good answers is judged."""
    if not isinstance(setup.sandbox, DockerSandbox):
        pytest.skip("a worker of one's own takes the place of another in containers only")
    honest = (
        "say({'id': id, 'value': GOOD | {'tables': [TABLE | {'pairs': PAIRS[id]}]}})"
    )
    pairs = {
        question: [list(pair) for pair in setup.key.value(question)["tables"][0]["pairs"]]
        for question in ("layer-counts/resnet18", "layer-counts/hidden")
    }
    code = f"PAIRS = {pairs!r}\n{WORKER}    {honest}"
    sandbox = dataclasses.replace(setup.sandbox, command=("python", "-c", code))
    owned = in_sandbox(setup, sandbox)
    assert happened(grade_path(owned, HONEST, ("layer-counts",))) == {"layer-counts": "N"}


def job_of(folder: Path, *names: str) -> Job:
    folder.chmod(0o755)
    questions = (Question(name, "layer_counts", {"network": {}}, "s", 60.0) for name in names)
    return Job("ada", folder, tuple(questions), Limits())


@pytest.mark.docker
def test_a_worker_that_never_stops_costs_no_memory_while_the_host_is_busy(
    docker_sandbox: DockerSandbox, tmp_path: Path
) -> None:
    code = f"{WORKER}    say({{'id': id, 'value': GOOD}})\n    while True: say({{}}, bytes(2**24))"
    sandbox = dataclasses.replace(docker_sandbox, command=("python", "-c", code))
    job = job_of(tmp_path, "layer-counts/resnet18", "layer-counts/hidden")
    with growth() as most:
        first, second = converse.converse(sandbox, job, (), lambda evidence: time.sleep(3))
    assert first.outcome.answered and second.outcome.kind == wire.BAD_ANSWER
    assert most[0] < FLAT, f"the grader grew by {most[0] / MIB:.0f} MiB"


@pytest.mark.docker
def test_an_answer_that_breaks_off_with_its_container_is_nobody_s_zero(
    docker_sandbox: DockerSandbox, tmp_path: Path
) -> None:
    """Half a frame is the student's doing; half a frame of a container that was taken away is not.

    Taken away while it is being asked, from outside: by a person, or an engine that is restarted.
    """
    code = f"{WORKER}    out(struct.pack('>IQ', 500, 0) + b'{{'); time.sleep(1000)"
    sandbox = dataclasses.replace(
        docker_sandbox, command=("python", "-c", code), run=f"{docker_sandbox.run}-taken"
    )
    job = job_of(tmp_path, "layer-counts/resnet18")

    def take_away() -> None:
        while not (found := containers(sandbox)):
            time.sleep(0.05)
        time.sleep(2)
        sandbox.engine.api.remove_container(found[0], force=True)

    thread = threading.Thread(target=take_away)
    thread.start()
    (evidence,) = converse.converse(sandbox, job)
    thread.join()
    assert (evidence.outcome.kind, evidence.outcome.owner) == (WORKER_LOST, "harness")
