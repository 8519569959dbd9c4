"""Memory that forked processes share counts once, as the loaders of a training share their data."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from grader.sandbox.process import _family, _private, _proportional, _total

MIB = 2**20

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells shared pages")


@pytest.fixture
def family() -> Iterator[list[psutil.Process]]:
    """A process with 64 MiB, and three that it has forked."""
    code = (
        "import os, sys, time\n"
        "data = os.urandom(2**20) * 64\n"
        "for _ in range(3):\n"
        "    if not os.fork(): time.sleep(600)\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None and process.stdin is not None
    assert process.stdout.readline() == b"ready\n"
    found = _family(process.pid)
    yield found
    for one in found:
        one.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_pages_that_forked_processes_share_are_divided_among_them(
    family: list[psutil.Process],
) -> None:
    assert len(family) == 4
    assert _total(_private, family) > 4 * 64 * MIB
    assert 64 * MIB < _total(_proportional, family) < 2 * 64 * MIB


def test_a_process_by_itself_uses_as_much_by_either_measure(family: list[psutil.Process]) -> None:
    for one in family[1:]:
        one.kill()
        psutil.wait_procs([one], 10)
    assert 64 * MIB < _total(_proportional, family[:1]) <= _total(_private, family[:1])
