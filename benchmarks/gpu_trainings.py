"""Lines of the GPU check that train: through `grader run`, and the reference by itself."""

from __future__ import annotations

import csv
import json
import re
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from benchmarks.gpu_line import Check, Line, Skipped, Wrong, run
from benchmarks.timing import ROOT
from grader.text import counted

SAMPLE = ROOT / "submissions" / "cifar_hw2.py"
SLOTS, TRAININGS = (1, 2, 3), 12
# Batches that keep a large GPU busy; the learning rate grows with them.
TRAINING = ("--batch-size", "512", "--lr", "0.4", "--weight-decay", "5e-4")
SHORT, MOST_EPOCHS, FEWEST_EPOCHS = 16, 80, 30   # epochs to 94 %, and to 96 % as time allows
ENDING = 20.0   # seconds that are left for what follows a training
_EPOCH = re.compile(r"epoch (\d+): .*top-1 ([\d.]+)%, ([\d.]+) s")


def _graded(check: Check) -> str:
    """Grade one sample with `grader run --gpus`, and read where it trained."""
    out = _run_grader(check, "one", 1, 1)
    (grade,) = json.loads((out / "grades.json").read_text(encoding="utf-8"))["submissions"]
    facts = {fact["name"]: fact["text"] for fact in grade["run"]["facts"]}
    if ("cuda" in facts["time"]) != (check.gpu is not None):
        raise Wrong(f"it trained for {facts['time']}")
    return f"{_accuracies(out)[0]} points, {facts['time']}"


def _trainings(check: Check, slots: int) -> str:
    count = TRAININGS if check.gpu is not None else 1
    began = time.monotonic()
    out = _run_grader(check, f"slots-{slots}", count, slots)
    seconds = time.monotonic() - began
    points = _accuracies(out)
    if len(points) != count or set(points) != {"34.0"}:
        raise Wrong(f"points for accuracy: {', '.join(points)}")
    return f"{seconds:.1f} s, {seconds / count:.1f} s each, full points for all"


def _time_to(check: Check, target: float) -> str:
    """Train the reference until it reaches `target` percent on the validation images."""
    if check.data is None:
        raise Skipped("no --data")
    if target < 95:
        epochs = SHORT if check.gpu is not None else 1
    else:
        each = _seconds_each(check)
        epochs = min(MOST_EPOCHS, int((check.seconds_left - ENDING) / each))
        if epochs < FEWEST_EPOCHS:
            raise Skipped(f"{check.seconds_left:.0f} s are left for epochs of {each:.1f} s")
    rows = _reference(check, epochs, target)
    reached = [(epoch, seconds) for epoch, top1, seconds in rows if top1 >= target]
    epoch, top1, seconds = rows[-1]
    last = f"{top1:.2f} % after {counted(epoch, 'epoch')} and {seconds:.1f} s"
    if not reached and check.gpu is None:
        return last
    if not reached:
        raise Wrong(last)
    return f"{target:.0f} % after epoch {reached[0][0]}, {reached[0][1]:.1f} s; {last}"


def _reference(check: Check, epochs: int, target: float) -> list[tuple[int, float, float]]:
    """Train the reference solution; returns epoch, top-1 in percent and seconds of each epoch."""
    assert check.data is not None
    batches = check.data, check.data / "cifar-10-batches-py"
    torchvisions = any((folder / "data_batch_1").exists() for folder in batches)
    printed = run(check, (
        sys.executable, "-m", "reference", "--data", "cifar10" if torchvisions else "imagefolder",
        "--path", str(check.data.resolve()), "--epochs", str(epochs), *TRAINING,
        *(() if check.gpu is not None else ("--limit-train", "512")),
        "--cache", str(check.folder / "images"), "--out", str(check.folder / f"to-{target:.0f}"),
    ))  # fmt: skip
    (check.folder / f"to-{target:.0f}.txt").write_text(printed, encoding="utf-8")
    return [(int(row[1]), float(row[2]), float(row[3])) for row in _EPOCH.finditer(printed)]


def _seconds_each(check: Check) -> float:
    """Return the seconds of an epoch of the shorter training."""
    try:
        printed = (check.folder / "to-94.txt").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Skipped("the line before it shows how long an epoch takes, and did not run") from None
    *_, last = _EPOCH.finditer(printed)
    return float(last[3]) / int(last[1])


def _run_grader(check: Check, name: str, count: int, slots: int) -> Path:
    """Grade `count` copies of the sample with `grader run`; returns the results folder."""
    folder, out = check.folder / name, check.folder / f"out-{name}"
    folder.mkdir()
    text = SAMPLE.read_text(encoding="utf-8")
    for number in range(count):
        copy = f"{text}\n# {name}, {number}\n"
        (folder / f"student{number:02d}_hw2.py").write_text(copy, encoding="utf-8")
    run(check, (
        sys.executable, "-m", "grader", "run", str(folder), "--rubric", str(ROOT / "rubric.yaml"),
        "--sandbox", "process", "--gpus", check.gpu or "none", "--slots-per-gpu", str(slots),
        "--criterion", "accuracy", "--out", str(out), "--jobs", "2",
    ))  # fmt: skip
    return out


def _accuracies(out: Path) -> list[str]:
    with (out / "grades.csv").open(encoding="utf-8", newline="") as file:
        return [row["accuracy"] for row in csv.DictReader(file)]


LINES: Mapping[str, Line] = {
    "graded": Line("graded", "`grader run --sandbox process --gpus 0` trains on the GPU", _graded,
                   needs_gpu=False, at_least=60),
    **{
        f"slots-{slots}": Line(
            f"slots-{slots}", f"{TRAININGS} small trainings in {counted(slots, 'slot')}",
            partial(_trainings, slots=slots), at_least=60, needs_gpu=slots > 1,
        )
        for slots in SLOTS
    },
    "94": Line("94", "the reference reaches 94 % on CIFAR-10", partial(_time_to, target=94.0),
               needs_gpu=False, at_least=60),
    "96": Line("96", "the reference reaches 96 % on CIFAR-10", partial(_time_to, target=96.0),
               at_least=60),
}  # fmt: skip
