"""The interface of the GPU check's lines, and the time that is left for them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.timing import ROOT


class Wrong(Exception):
    """A line saw something else than it should have."""


class Skipped(Exception):
    """A line could not be run here, and that is no failure."""


@dataclass(frozen=True)
class Check:
    """The conditions of a check, which all its lines get.

    Attributes:
        gpu: The GPU's number or UUID; None: there is none, and the script is only tried.
        data: CIFAR-10; None: not given.
        folder: A scratch folder.
        until: When all lines should have ended, on the monotonic clock.
    """

    gpu: str | None
    data: Path | None
    folder: Path
    until: float

    @property
    def seconds_left(self) -> float:
        return self.until - time.monotonic()

    @property
    def gpus(self) -> tuple[str, ...]:
        return () if self.gpu is None else (self.gpu,)


@dataclass(frozen=True)
class Line:
    """A line of the table: `run` returns what was seen, or raises Wrong or Skipped.

    `at_least` are the seconds below which it is not worth beginning.
    """

    name: str
    expected: str
    run: Callable[[Check], str]
    needs_gpu: bool = True
    at_least: float = 20.0


def run(check: Check, command: tuple[str, ...]) -> str:
    """Run a command in the time that is left; returns what it printed."""
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment(check), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=max(1.0, check.seconds_left), check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Wrong("its time was up") from None
    if done.returncode != 0:
        raise Wrong(f"exit status {done.returncode}: {(done.stdout + done.stderr)[-250:]}")
    return done.stdout


def environment(check: Check) -> dict[str, str]:
    """Return this process's environment, with the GPU as the only visible one."""
    seen = {"CUDA_VISIBLE_DEVICES": check.gpu or "", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    return {**os.environ, **seen, "COLUMNS": "200", "MPLBACKEND": "Agg"}
