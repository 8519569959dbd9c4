"""Runs a student's training script in a process of its own, with or without the observer.

    python -m benchmarks.scripts bare|watched DATA THREADS SCRIPT

Both ways have the shims that the script needs: the quick profile's data in place of CIFAR-10, no
GPU, no display. `watched` adds the observer. The last line printed is [wall, processor] seconds of
the script itself, from its first line to its last.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

from benchmarks.timing import ROOT, Command, command

Way = Literal["bare", "watched"]
# Samples that train for exactly the epochs of the quick profile, and get full points.
SAMPLES = tuple(
    ROOT / "submissions" / name
    for name in (
        "accumulates_hw2_problem2.py",
        "callsforward_hw2_problem2.py",
        "cifar_hw2.py",
        "lightningish_hw2_problem2.py",
        "ownsignatures_hw2_problem2.py",
        "twooptimizers_hw2_problem2.py",
        "unshuffled_hw2_problem2.py",
    )
)


def process(way: Way, data: Path, threads: int, script: Path) -> Command:
    """Return the command that runs one script, with its interpreter's start and its imports."""
    made = command(sys.executable, "-m", "benchmarks.scripts", way, data, str(threads), script)
    return dataclasses.replace(made, environment={"OMP_NUM_THREADS": str(threads)})


def write_view(folder: Path) -> None:
    """Write the quick profile's data into `folder`, as a student's code sees them."""
    from grader.checks.registry import parameter_models
    from grader.rubric.load import load
    from grader.run.data.datasets import load_dataset, write_view

    rubric = load(ROOT / "rubric.yaml", parameter_models)
    spec = rubric.profiles["quick"].data
    write_view(load_dataset(spec, folder.parent / "cache"), folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=("bare", "watched"))
    parser.add_argument("data", type=Path)
    parser.add_argument("threads", type=int)
    parser.add_argument("script", type=Path)
    options = parser.parse_args()
    print(json.dumps(_run(options.way, options.data, options.threads, options.script)))


def _run(way: Way, data: Path, threads: int, script: Path) -> tuple[float, float]:
    import torch

    from grader.worker import shims
    from grader.worker.dataset_view import open_view
    from grader.worker.environment.home import Home
    from grader.worker.observer.checkpoints import SavedCheckpoints
    from grader.worker.observer.observer import Budget, Observer
    from grader.worker.student_code import sources
    from grader.worker.student_code.execution import run_as_script

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / script.name
        copy.write_bytes(script.read_bytes())
        if way == "watched":
            Observer(Budget(), Path(folder)).install()
            SavedCheckpoints().install()
        shims.install(None, open_view(data), None, Home())
        (source,) = sources.read(Path(folder))
        namespace: dict[str, Any] = {}
        out, sys.stdout = sys.stdout, sys.stderr
        began = time.perf_counter(), time.process_time()
        error = run_as_script(source, namespace)
        seconds = time.perf_counter() - began[0], time.process_time() - began[1]
        sys.stdout = out
        os.chdir(ROOT)
    if error is not None:
        raise error
    return seconds


if __name__ == "__main__":
    main()
