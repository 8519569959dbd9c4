"""Threads that wait for each other soon sleep: where others use the cores, spinning costs most."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader import wire


@pytest.mark.skipif(sys.platform != "linux", reason="PyTorch has GNU's OpenMP on Linux only")
@pytest.mark.parametrize(("own", "found"), [({}, "1000"), ({"GOMP_SPINCOUNT": "77"}, "77")])
def test_openmp_of_a_worker_spins_a_thousand_times_or_as_the_machine_says(
    own: dict[str, str], found: str, tmp_path: Path
) -> None:
    start = {
        "type": wire.START, "submission": str(tmp_path), "data": None, "scratch": str(tmp_path),
        "output_bytes": 1000, "gpu_share": 1.0, "gpu": False,
    }  # fmt: skip
    environment = os.environ | {"OMP_DISPLAY_ENV": "VERBOSE"} | own
    with subprocess.Popen(
        [sys.executable, "-m", "grader.worker"], env=environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as worker:  # fmt: skip
        assert worker.stdin and worker.stdout and worker.stderr
        worker.stdin.write(wire.encode(start))
        worker.stdin.flush()
        assert wire.read_frame(worker.stdout.read)   # it is ready, so PyTorch is loaded
        worker.kill()
        assert f"GOMP_SPINCOUNT = '{found}'" in worker.stderr.read().decode()
