"""A script that asks how wide the terminal is gets an answer, however it asks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.worker.shimmed_script import run

ASKED = """
    import os, shutil, subprocess
    rows, columns = map(int, os.popen("stty size 2> /dev/null", "r").read().split())
    assert (rows, columns) == (24, 80)
    assert subprocess.check_output(["stty", "size"]).split() == [b"24", b"80"]
    assert subprocess.check_output("tput cols", shell=True).split() == [b"80"]
    assert int(subprocess.run(("tput", "lines"), capture_output=True).stdout) == 24
    assert os.get_terminal_size() == os.get_terminal_size(0) == (80, 24)
    assert shutil.get_terminal_size(fallback=(0, 0)) == (80, 24)
    assert os.environ["COLUMNS"] == "80"
    os.system("echo stty sizes; echo as before")
    assert subprocess.check_output(["echo", "size"]) == b"size\\n"
"""
LOW = """
    import array, fcntl, struct, termios
    assert struct.unpack("HHHH", fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))[:2] == (24, 80)
    size = array.array("H", [0] * 4)
    fcntl.ioctl(0, termios.TIOCGWINSZ, size)
    assert list(size[:2]) == [24, 80]
    try:
        fcntl.ioctl(0, termios.FIONCLEX + 10_000, bytes(8))
    except OSError:
        print("other requests fail")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX")
def test_a_terminal_of_24_rows_and_80_columns_is_there(tmp_path: Path) -> None:
    assert run(tmp_path, ASKED, view=False).notes == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fcntl")
def test_the_system_call_for_the_size_is_answered_too(tmp_path: Path) -> None:
    assert run(tmp_path, LOW, view=False).out == "other requests fail\n"
