"""Times processes: one, several side by side, and several ways that are compared in turns.

Ways that are compared run once in each round, forwards in one round and backwards in the next, so
that a machine that becomes slower or faster affects all of them alike. Figures are ratios within a
round, never a ratio of two sums.
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
    """A process to be timed, from its start to its end.

    Attributes:
        arguments: Program and arguments.
        cwd: Working directory.
        environment: Added to this process's environment.
        codes: Exit statuses that count as success.
    """

    arguments: tuple[str, ...]
    cwd: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=dict)
    codes: tuple[int, ...] = (0,)


def command(*arguments: str | Path, cwd: Path = ROOT, codes: Iterable[int] = (0,)) -> Command:
    return Command(tuple(map(str, arguments)), cwd, codes=tuple(codes))


def grader(*arguments: str | Path, codes: Iterable[int] = (0,)) -> Command:
    """Return the command `grader ...`, run by this interpreter."""
    return command(*GRADER, *arguments, codes=codes)


def bare(script: Path) -> Command:
    """Return the command `python SCRIPT`, run in the script's own folder."""
    return command(sys.executable, script.name, cwd=script.parent)


def run(command: Command) -> tuple[float, str]:
    """Run a command and return its wall time in seconds and its stdout.

    Output goes into pipes, as when a program runs the script. Raises RuntimeError, with the end of
    the output, if it fails.
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
    """Run all commands, `jobs` at a time, and return the seconds until the last has ended."""
    began = time.perf_counter()
    with ThreadPoolExecutor(jobs) as pool:
        for _ in pool.map(run, commands):
            pass
    return time.perf_counter() - began


def in_turns(ways: Sequence[Sequence[Callable[[], float]]]) -> list[tuple[float, ...]]:
    """Run every way once per round, in alternating order.

    Args:
        ways: For each way, a function for each round. It returns its own seconds, so that
            preparing and cleaning up do not count.

    Returns:
        For each way, its seconds in each round.

    Raises:
        ValueError: One way has fewer rounds than another.
    """
    seconds: list[list[float]] = [[] for _ in ways]
    for number, round_ in enumerate(zip(*ways, strict=True)):
        order = list(range(len(ways)))
        for way in order if number % 2 else reversed(order):
            seconds[way].append(round_[way]())
    return [tuple(one) for one in seconds]
