"""Measures the harness itself: a thousand submissions and a worker that answers at once.

Each size of class is graded completely by a process of its own: it reads the class folder, unpacks
each submission, asks its questions, validates and judges the replies, records them in the
gradebook, and writes pages and marks. Only the worker is replaced, by the recorded replies of a
real one (see `instant.py`). The overhead of a submission is the wall time of the process that
grades a thousand, divided by a thousand; it includes the start of the process and everything that
is done once. Two jobs run at a time.

Host memory is the peak resident memory of such a process, at 1,000 submissions over that at 10.

Both are measured for the code-only homework and for the whole one, whose submissions have trained:
their pages have curves, confusion matrices and figures. Submissions differ in a comment.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.code_only import RUBRIC, SOLUTIONS
from benchmarks.figures import Figure, Sizes, ratios
from benchmarks.instant import InstantSandbox, Recording, replies_in
from benchmarks.timing import ROOT, Command, command, run
from grader.api import Results
from grader.cli.progress import Progress
from grader.cli.summary import conclude
from grader.grading.gradebook_file import open_gradebook
from grader.rubric.load import load
from grader.run.cache.file import open_cache
from grader.run.grade_class import Class, grade_class
from grader.run.open import Opener, Say
from grader.run.options import RunOptions
from grader.sandbox.base import Sandbox
from grader.sandbox.process import ProcessSandbox
from grader.submissions.discover import discover

FEW = 10
TARGET_MS, TARGET_MEMORY = 20.0, 1.2
SILENT = "silent"   # a way of grading in which asking a worker is an error
TRAINED = ROOT / "submissions" / "cifar_hw2.py"
OPTIONS = RunOptions(seed=0, jobs=2)


def measure(sizes: Sizes) -> Iterable[Figure]:
    whole = TRAINED.read_text(encoding="utf-8")
    yield from _measure("code-only homework", RUBRIC, SOLUTIONS[0].text(0), sizes)
    yield from _measure("whole homework, trained", ROOT / "rubric.yaml", whole, sizes)


def _measure(what: str, rubric: Path, text: str, sizes: Sizes) -> Iterable[Figure]:
    count = sizes.many
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "recording").mkdir()
        _, output = run(process("record", rubric, write_class(folder / "one", text, 1)))
        scores = json.loads(output.splitlines()[-1])["scores"]
        many, peaks_many, peaks_few = [], [], []
        for repeat in range(sizes.pairs):
            few = write_class(folder / f"few-{repeat}", text, FEW)
            peaks_few.append(_graded(process("replay", rubric, few), scores)[1])
            more = write_class(folder / f"many-{repeat}", text, count)
            seconds, peak = _graded(process("replay", rubric, more), scores)
            many.append(1000 * seconds / count)
            peaks_many.append(peak)
    name = f"{count:,} submissions, a worker that answers at once"
    yield Figure(f"{name}: overhead of each ({what})", tuple(many), "ms", TARGET_MS)
    memory = f"host memory at {count:,} submissions over that at {FEW} ({what})"
    yield Figure(memory, ratios(peaks_many, peaks_few), to_reach=TARGET_MEMORY)


def write_class(folder: Path, text: str, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        path = folder / f"student{number:04d}_hw2.py"
        path.write_text(f"{text}\n# student {number} of {folder.name}\n", encoding="utf-8")
    return folder


def process(way: str, rubric: Path, class_folder: Path) -> Command:
    beside = class_folder.parent
    return command(
        sys.executable, "-m", "benchmarks.overhead", way, rubric, class_folder,
        beside / f"out-{class_folder.name}", beside / "recording",
    )  # fmt: skip


def _graded(process: Command, scores: list[float]) -> tuple[float, float]:
    """Return seconds and peak bytes of one process; all scores must be those of the recording."""
    seconds, output = run(process)
    report = json.loads(output.splitlines()[-1])
    assert report["scores"] == scores, f"{report['scores']}, recorded: {scores}"
    return seconds, report["peak"]


# The measured process ---------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description="Grade a class with recorded replies.")
    parser.add_argument("way", choices=("record", "replay", SILENT))
    for name in ("rubric", "folder", "out", "recording"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    opener = {"record": _recording, "replay": _instant, SILENT: _silent}[options.way]
    code = _grade(options.rubric, options.folder, options.out, partial(opener, options.recording))
    with (options.out / "grades.csv").open(encoding="utf-8", newline="") as file:
        scores = sorted({float(row["score"]) for row in csv.DictReader(file)})
    assert code == 0 and scores, "somebody was not graded"
    print(json.dumps({"scores": scores, "peak": peak_memory()}))


def _grade(rubric_path: Path, folder: Path, out: Path, opener: Opener) -> int:
    """Grade a class as `grader run` does, in the sandbox of `opener`."""
    from rich.console import Console

    from grader.checks.registry import parameter_models

    console = Console()
    progress = Progress(console)
    rubric = load(rubric_path, parameter_models)
    everyone = tuple(discover(folder))
    homework = Class(rubric, everyone, everyone, out)
    with open_gradebook(out, console.print) as book, open_cache(out) as cache, progress:
        ran = grade_class(homework, OPTIONS, book, cache, progress, opener=opener)
    return conclude(console, Results(ran.grades, ran.faults, ran.left, ran.unknown, out), out)


@contextmanager
def _recording(
    recording: Path, options: RunOptions, scratch: Path, say: Say
) -> Iterator[tuple[Sandbox, tuple[str, ...]]]:
    sandbox = ProcessSandbox(scratch=scratch)
    try:
        yield Recording(sandbox, recording), ()
    finally:
        sandbox.close()


@contextmanager
def _instant(
    recording: Path, options: RunOptions, scratch: Path, say: Say
) -> Iterator[tuple[Sandbox, tuple[str, ...]]]:
    yield InstantSandbox(replies_in(recording)), ()


@contextmanager
def _silent(
    recording: Path, options: RunOptions, scratch: Path, say: Say
) -> Iterator[tuple[Sandbox, tuple[str, ...]]]:
    yield InstantSandbox({}), ()


def peak_memory() -> int:
    """Return the peak resident memory of this process in bytes."""
    status = Path("/proc/self/status")
    if status.exists():   # getrusage also counts the parent's memory at the time of the fork
        rows = dict(row.split(":", 1) for row in status.read_text().splitlines())
        return 1024 * int(rows["VmHWM"].split()[0])
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)   # macOS counts bytes


if __name__ == "__main__":
    main()
