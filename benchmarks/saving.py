"""Measures the time from a save to the verdict, with `check --watch` and with a new `check`.

    python -m benchmarks.saving --pairs 10

A sample is watched for layer-counts and parameter-groups, the two criteria that need no training:
six networks are built and examined, each in a process of its own. Each save changes the file, in
turn in place and, as most editors do, by replacing it with another file; three seconds lie between
two saves. The time runs from before the save until the line with the verdicts has been read. A new
`grader check` is timed from start to end: it imports torch and asks the reference each time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "submissions" / "bymodule_hw2_problem1.py"
CRITERIA = ("--criterion", "layer-counts", "--criterion", "parameter-groups")
BETWEEN_SECONDS = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.saving", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10)
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hw2.py"
        file.write_bytes(SAMPLE.read_bytes())
        anew = [_anew(file) for _ in range(max(1, pairs // 3))]
        watched = _watched(file, pairs)
    ratio = statistics.median(anew) / statistics.median(watched)
    print(f"from a save to the verdict: median {statistics.median(watched):.2f} s, "
          f"{min(watched):.2f} to {max(watched):.2f} s, over {pairs} saves")
    print(f"grader check run anew: median {statistics.median(anew):.2f} s, {ratio:.1f} times that")


def _command(file: Path, *more: str) -> list[str]:
    rubric = str(ROOT / "rubric.yaml")
    return [sys.executable, "-m", "grader", "check", str(file), "--rubric", rubric, *CRITERIA,
            "--json", *more]


def _anew(file: Path) -> float:
    began = time.monotonic()
    subprocess.run(_command(file), check=True, capture_output=True)
    return time.monotonic() - began


def _watched(file: Path, saves: int) -> list[float]:
    with subprocess.Popen(_command(file, "--watch"), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            running.stdout.readline()   # the first check is cold
            found = []
            for number in range(saves):
                time.sleep(BETWEEN_SECONDS)
                began = time.monotonic()
                _save(file, number)
                result = json.loads(running.stdout.readline())
                found.append(time.monotonic() - began)
                assert [one["status"] for one in result["criteria"]] == ["passed", "passed"], result
            return found
        finally:
            running.terminate()


def _save(file: Path, number: int) -> None:
    text = f"{SAMPLE.read_text(encoding='utf-8')}\n# saved for the {number}th time\n"
    if number % 2:
        file.write_text(text, encoding="utf-8")
        return
    beside = file.with_suffix(".tmp")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)


if __name__ == "__main__":
    main()
