"""Measures four other autograders on the same five submissions, in the same run, one at a time.

Each is run as its documentation says, without Docker, in the environment that `installing.py`
makes; its input is written before the clock starts. All check the same three things in the same
five scripts, right and wrong ones. A round has the five scripts bare, a process each; each peer;
and the grader, as `grader check` on each script and as `grader run --jobs 1` on all, in processes
and in containers. The figures are ratios to bare within the round.

Every peer must really have graded: right solutions get full marks, wrong ones less.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks.code_only import FULL, RUBRIC, SOLUTIONS, assert_marks, solution, write_class
from benchmarks.engine import engine_missing, ensure_worker_image
from benchmarks.figures import Figure, Sizes, ratios
from benchmarks.peers import gradescope, installing, jupygrader, nbgrader, otter
from benchmarks.peers.base import Peer
from benchmarks.timing import Command, bare, grader, in_turns, seconds_of

Way = Callable[[Sequence[Path]], float]   # the scripts of a round -> seconds
COUNT = len(SOLUTIONS)
PEERS: Mapping[str, Peer] = {   # as in requirements.txt
    "otter-grader": otter.PEER,
    "nbgrader": nbgrader.PEER,
    "jupygrader": jupygrader.PEER,
    "gradescope-utils": gradescope.PEER,
}


def measure(sizes: Sizes) -> Iterable[Figure]:
    peers, skipped = _installed()
    no_engine = engine_missing()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, *rounds = [
            _write_round(folder, number) for number in range(sizes.pairs + 1)
        ]
        peers, broken = _working(peers, first)   # also warms the file system's cache
        ours: dict[str, Way] = {
            "`grader check` on each": _check,
            "`grader run --sandbox process --jobs 1`": partial(_run, "process"),
        }
        if not no_engine:
            ensure_worker_image()
            ours["`grader run --sandbox docker --jobs 1`"] = partial(_run, "docker")
        ways: list[Way] = [_bare, *ours.values(), *(partial(_peer, peer) for peer in peers)]
        seconds = in_turns([[partial(way, scripts) for scripts in rounds] for way in ways])
    found = [ratios(one, seconds[0]) for one in seconds[1:]]
    yield Figure(f"the {COUNT} bare scripts that peers and grader are compared on", seconds[0], "s")
    own = [Figure(f"grader: {name}", one) for name, one in zip(ours, found, strict=False)]
    yield from own
    # A peer should be slower than the grader in each of its ways.
    slowest = max(figure.median for figure in own)
    for peer, values in zip(peers, found[len(ours) :], strict=True):
        yield Figure(f"peer, {peer.name}", values, to_reach=slowest, above=True)
    for peer, why in {**skipped, **broken}.items():
        yield Figure(f"peer, {peer.name}", skipped=why)


def _installed() -> tuple[list[Peer], dict[Peer, str]]:
    try:
        failures = {line.partition("==")[0]: why for line, why in installing.failures().items()}
    except FileNotFoundError:
        failures = dict.fromkeys(PEERS, "not installed; `make bench` does that")
    skipped = {peer: failures[name] for name, peer in PEERS.items() if name in failures}
    return [peer for peer in PEERS.values() if peer not in skipped], skipped


def _working(peers: list[Peer], scripts: list[Path]) -> tuple[list[Peer], dict[Peer, str]]:
    """Return the peers that run here, and for each other one the reason why not."""
    broken = {}
    for peer in peers:
        try:
            _peer(peer, scripts)
        except (RuntimeError, OSError, AssertionError) as error:
            lines = str(error).strip().splitlines()
            broken[peer] = f"it did not run here: {lines[-1][:200] if lines else error!r}"
    return [peer for peer in peers if peer not in broken], broken


def _write_round(folder: Path, number: int) -> list[Path]:
    return write_class(folder / f"round-{number}", range(COUNT * number, COUNT * (number + 1)))


def _bare(scripts: Sequence[Path]) -> float:
    return sum(seconds_of(bare(script)) for script in scripts)


def _check(scripts: Sequence[Path]) -> float:
    return sum(seconds_of(grader("check", one, "--rubric", RUBRIC)) for one in scripts)


def _run(sandbox: str, scripts: Sequence[Path]) -> float:
    folder = scripts[0].parent
    out = folder.parent / f"out-{sandbox}-{folder.name}"
    seconds = seconds_of(grader(
        "run", folder, "--rubric", RUBRIC, "--sandbox", sandbox, "--jobs", "1", "--out", out
    ))  # fmt: skip
    assert_marks(out / "grades.csv", [_number(script) for script in scripts])
    return seconds


def _peer(peer: Peer, scripts: Sequence[Path]) -> float:
    """Return the seconds that a peer takes for all scripts, in a folder of its own."""
    folder = Path(tempfile.mkdtemp(dir=scripts[0].parent.parent))
    peer.prepare(folder, scripts)
    commands: list[Command] = peer.commands(folder, scripts)
    seconds = sum(map(seconds_of, commands))
    scores = peer.scores(folder)
    for script in scripts:
        full = solution(_number(script)).points == FULL
        assert script.stem in scores, f"{peer.name} gave {script.stem} no marks: {scores}"
        assert (scores[script.stem] == FULL) == full, f"{peer.name}: {script.stem} got {scores}"
    shutil.rmtree(folder)
    return seconds


def _number(script: Path) -> int:
    return int(script.name.removeprefix("student").partition("_")[0])
