"""Asks many submissions in one process, without a sandbox for each.

Run as a script, in a process of its own: student code changes the process that it runs in. Reads
[[folder, kind, args], ...] as JSON, and writes what the probes said: [outcome, value or message].
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    from grader.worker.probes import PROBES
    from grader.worker.session import BadAnswer, NotFound, Session, failure

    asked, answers = json.load(sys.stdin), os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)   # what the students' code prints
    path, replies = list(sys.path), []
    for folder, kind, args in asked:
        sys.path[:] = [folder, str(Path(folder).parent), *path]
        session = Session(Path(folder), None, lambda: None)
        reply: list[Any]
        try:
            reply = ["answered", PROBES[kind](session, args, ())[0]]
        except (BadAnswer, NotFound) as error:
            reply = ["bad_answer", str(error)]
        except Exception as error:
            told = failure(error, session)
            reply = [told["outcome"], told["message"] + told["traceback"]]
        replies.append(reply)
    json.dump(replies, answers, allow_nan=False)
    answers.close()
    os._exit(0)


if __name__ == "__main__":
    main()
