"""Seconds of processes: one, several side by side, and ways that are compared in turns.

Ways that are compared are run in pairs: every way once per round, forwards in one round and
backwards in the next, so that a machine that grows slower or faster touches all of them alike. What
is told is the ratio within each round, never a ratio of two sums.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
GRADER = (sys.executable, "-m", "grader")


@dataclass(frozen=True)
class Command:
    """A process to be timed, from its start to its end. `codes` are the exit statuses it may have.

    Without `cwd` it runs in the project's folder.
    """

    arguments: tuple[str, ...]
    cwd: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=dict)
    codes: tuple[int, ...] = (0,)


def command(*arguments: str | Path, cwd: Path = ROOT, codes: Iterable[int] = (0,)) -> Command:
    return Command(tuple(map(str, arguments)), cwd, codes=tuple(codes))


def grader(*arguments: str | Path, codes: Iterable[int] = (0,)) -> Command:
    """`grader ...` as this interpreter has it."""
    return command(*GRADER, *arguments, codes=codes)


def bare(script: Path) -> Command:
    """`python SCRIPT`, in the script's own folder."""
    return command(sys.executable, script.name, cwd=script.parent)


def run(command: Command) -> tuple[float, str]:
    """Seconds of wall time, and what it printed. Raises RuntimeError, with the end of its output.

    What comes out goes into pipes, as it does where a script is run by another program.
    """
    environment = {**os.environ, "MPLBACKEND": "Agg", **command.environment}
    began = time.perf_counter()
    done = subprocess.run(
        command.arguments, cwd=command.cwd, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, encoding="utf-8", errors="replace",
    )  # fmt: skip
    seconds = time.perf_counter() - began
    if done.returncode not in command.codes:
        tail = (done.stdout + done.stderr)[-2000:]
        what = " ".join(command.arguments)
        raise RuntimeError(f"{what} ended with {done.returncode}:\n{tail}")
    return seconds, done.stdout


def seconds_of(command: Command) -> float:
    return run(command)[0]


def side_by_side(commands: Iterable[Command], jobs: int) -> float:
    """Seconds until all have ended, `jobs` at a time."""
    began = time.perf_counter()
    with ThreadPoolExecutor(jobs) as pool:
        for _ in pool.map(run, commands):
            pass
    return time.perf_counter() - began


def in_turns(ways: Sequence[Sequence[Callable[[], float]]]) -> list[tuple[float, ...]]:
    """The seconds of each way, by round: every way once per round, in alternating order.

    `ways` has for each way what it does in each round; that returns its own seconds, so that what
    it prepares and clears away is not counted. Raises ValueError when one has fewer rounds.
    """
    seconds: list[list[float]] = [[] for _ in ways]
    for number, round_ in enumerate(zip(*ways, strict=True)):
        order = list(range(len(ways)))
        for way in order if number % 2 else reversed(order):
            seconds[way].append(round_[way]())
    return [tuple(one) for one in seconds]
