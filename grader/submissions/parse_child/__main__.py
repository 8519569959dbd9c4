"""The child: one job on stdin, its steps and its result on stdout, a line of JSON each.

    {"step": ["convert", "hw2.ipynb"]}     before each step
    {"done": {...}}                        at the end
    {"beyond": "memory"}                   if a limit was hit that does not end the process
    {"system": [28, "No space left on device"]}   if the machine failed, which is nobody's fault

Its working folder is where it writes to, by relative paths.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grader.submissions.code_tokens import read_code
from grader.submissions.collect import unpack
from grader.submissions.parse_child.limits import Limits, confine
from grader.submissions.reading import read
from grader.submissions.safe_writer import Caps, SafeWriter
from grader.submissions.steps import Step, Steps


def main() -> None:
    """Do the job on stdin within its limits."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)   # the grader decides when it ends
    job = json.loads(sys.stdin.buffer.read())
    sources = [Path(source) for source in job["sources"]]
    confine(Limits(**job["limits"]), sources)
    try:
        told = {"done": _done(job, sources)}
    except (MemoryError, RecursionError) as error:
        told = {"beyond": type(error).__name__}
    except OSError as error:
        if error.errno == errno.EFBIG:
            told = {"beyond": "the size of a file"}
        else:
            told = {"system": [error.errno, str(error)]}
    _tell(told)


def _done(job: Mapping[str, Any], sources: list[Path]) -> dict[str, Any]:
    caps, steps = Caps(**job["caps"]), Steps(map(tuple, job["skipped"]), _begin)
    if job["do"] == "unpack":
        steps.may("unpack", sources[0].name)
        writer = SafeWriter(Path("in"), caps)
        is_read = unpack(sources[0], writer)
        left_out = writer.left_out
        return {"is_read": is_read, "lines": left_out.lines(), "names": left_out.names()}
    if job["do"] == "code":
        code = read_code(job["student"], sources, Path(), caps, steps)
        return dataclasses.asdict(code)
    found = read(job["student"], sources, Path(), caps, job["imports"], steps, job["rules"])
    return dataclasses.asdict(found)


def _begin(step: Step) -> None:
    _tell({"step": step})


def _tell(told: Mapping[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
