"""`make demo`: grades half of the sample submissions, in two minutes on two cores.

They stand for every kind of work and of verdict. One of them hangs on purpose, so the demo has a
shorter limit than the homework; the marks are those of `submissions/expected.yaml` all the same.
`grader run submissions --sandbox process` grades all samples by the homework's own limits.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import webbrowser
from pathlib import Path

from grader.api import grade
from grader.checks.registry import parameter_models
from grader.cli.options import console_of
from grader.cli.progress import Progress
from grader.cli.summary import conclude, finishing
from grader.errors import GraderError
from grader.rubric.load import load
from grader.rubric.model import Rubric
from grader.run.options import RunOptions
from grader.submissions.discover import discover

ROOT = Path(__file__).resolve().parent.parent
SUBMISSIONS = ROOT / "submissions"
SECONDS = 10.0   # for each question; no other sample takes more than half of it
STUDENTS = (
    "astronaut", "attributes", "biasfirst", "blankpart", "bymodule", "byname", "decay-everything",
    "decays-batchnorm", "diverges", "endless", "eval-forgotten", "eval-not-called",
    "latex-answers", "lovelaceada", "neverevals", "notebook", "ownreader", "pairs",
    "reports-higher", "right-folder", "softmaxed", "syntaxerror", "tarball", "train-once",
    "trainsinnotebook", "typedin", "zipped",
)  # fmt: skip


def rubric() -> Rubric:
    """Return the homework's rubric with the demo's limit."""
    found = load(ROOT / "rubric.yaml", parameter_models)
    limits = found.limits.model_copy(update={"seconds": SECONDS})
    return found.model_copy(update={"limits": limits})


def lay_out(folder: Path) -> None:
    """Copy the chosen samples into a class folder of their own."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for item in discover(SUBMISSIONS):
        for source in item.sources if item.student in STUDENTS else ():
            copy = shutil.copytree if source.is_dir() else shutil.copyfile
            copy(source, folder / source.name)


def main() -> int:
    """Grade the chosen samples and open the report; return the exit code."""
    out, console, stop = Path("results"), console_of(), threading.Event()
    lay_out(out / "submissions")
    progress = Progress(console)
    after = "What was graded is kept. `make demo` continues."
    with finishing(stop, progress.say, lambda: len(progress.begun), after), progress:
        results = grade(
            out / "submissions", rubric(), out, options=RunOptions(sandbox="process"),
            watcher=progress, stop=stop,
        )
    code = conclude(console, results, out)
    has_desktop = sys.platform in ("darwin", "win32") or "DISPLAY" in os.environ
    if sys.stdout.isatty() and has_desktop:
        webbrowser.open((out / "report.html").resolve().as_uri())
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        os._exit(130)   # threads may still wait for workers
    except GraderError as error:
        sys.exit(f"demo: {error}")
