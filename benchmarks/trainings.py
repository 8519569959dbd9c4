"""Measures trainings of the quick profile: wall time of `grader run` over that of bare scripts.

The grader's part is `grader run FOLDER --jobs 1` into a new results folder, from the start of the
process to its end, on seven samples that train, one after the other, with the three criteria that
concern a training. It reads the rubric and the data, starts a worker for each submission, trains
with the observer, asks the other questions of those criteria, predicts the hidden images, judges,
and writes feedback pages with curves and confusion matrices.

The bare part is the same seven scripts, one after the other, each a process from its start to its
end, imports included: no observer and no grader, only the data and shims that a script needs to run
at all (see `scripts.py`). Both parts have as many threads as there are cores. Every round has its
own files, so that nothing is cached from the round before. On cores that other work uses, two
threads wait for each other and a training takes twenty times as long. A training that used up the
profile's seconds did less than its bare script, so the row fails instead of giving a figure.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from benchmarks.engine import engine_missing, ensure_worker_image
from benchmarks.figures import Figure, Sizes, ratios
from benchmarks.scripts import SAMPLES, process, write_view
from benchmarks.timing import ROOT, grader, in_turns, seconds_of
from grader.run.schedule import cores

TARGET = 1.05
CUT_SHORT = "its budget of seconds was used up"   # checks/training_report.py
CRITERIA = ("mode-switch", "optimizer-groups", "accuracy")


def measure(sizes: Sizes) -> Iterable[Figure]:
    missing = engine_missing()
    sandboxes = ["process"] if missing else ["process", "docker"]
    if not missing:
        ensure_worker_image()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "data"
        write_view(data)
        classes = [_write_class(folder / f"class-{one}", one) for one in range(sizes.pairs)]
        ways: list[list[Callable[[], float]]] = [
            [partial(_bare, data, scripts) for scripts in classes]
        ]
        ways += [[partial(_graded, one, scripts) for scripts in classes] for one in sandboxes]
        bare, *ours = in_turns(ways)
    what = f"{len(SAMPLES)} trainings of the quick profile, over the bare scripts"
    for sandbox, seconds in zip(sandboxes, ours, strict=True):
        yield Figure(f"{what}: {sandbox}", ratios(seconds, bare), to_reach=TARGET)
    if missing:
        yield Figure(f"{what}: docker", to_reach=TARGET, skipped=missing)
    yield Figure(f"the {len(SAMPLES)} bare scripts of that", bare, "s")


def _write_class(folder: Path, number: int) -> list[Path]:
    folder.mkdir()
    for sample in SAMPLES:
        text = sample.read_text(encoding="utf-8")
        (folder / sample.name).write_text(f"{text}\n# round {number}\n", encoding="utf-8")
    return sorted(folder.iterdir())


def _bare(data: Path, scripts: list[Path]) -> float:
    return sum(seconds_of(process("bare", data, cores(), script)) for script in scripts)


def _graded(sandbox: str, scripts: list[Path]) -> float:
    folder = scripts[0].parent
    out = folder.parent / f"out-{sandbox}-{folder.name}"
    chosen = [word for name in CRITERIA for word in ("--criterion", name)]
    seconds = seconds_of(grader(
        "run", folder, "--rubric", ROOT / "rubric.yaml", "--sandbox", sandbox, "--jobs", "1",
        "--out", out, *chosen,
    ))  # fmt: skip
    for page in sorted((out / "feedback").glob("*.html")):
        # A training that was cut short did less than its bare script: the ratio means nothing.
        cut = CUT_SHORT in page.read_text(encoding="utf-8")
        assert not cut, f"{page.stem}: the seconds of the profile ran out; is the machine busy?"
    with (out / "grades.csv").open(encoding="utf-8", newline="") as file:
        accuracies = [row["accuracy"] for row in csv.DictReader(file)]
    assert accuracies == ["34.0"] * len(scripts), (
        f"all of these learn, unless the machine is so busy that they use up the budget of the "
        f"profile in seconds: {accuracies}"
    )
    return seconds
