"""Compare the marks of two runs: after a change that must not change any.

    python scripts/compare_marks.py BEFORE AFTER    # two grades.json, or two validation.json

Prints every student or case whose points or states differ, and exits with 1 if there are any.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def marks(path: Path) -> dict[str, Any]:
    """Return the points and states by student or case; reasons may be worded anew."""
    found = json.loads(path.read_text(encoding="utf-8"))
    if "submissions" in found:
        return {
            one["student"]: {row["id"]: (row["points"], row["status"]) for row in one["criteria"]}
            for one in found["submissions"]
        }
    return {
        f"{case['kind']} {case['name']}": {
            "outcome": case["outcome"], "loses": case["loses"],
            **{name: (mark["points"], mark["fate"]) for name, mark in case["marks"].items()},
        }
        for case in found["cases"]
    }


def main() -> int:
    """Print the differences and return the exit code."""
    before, after = (marks(Path(name)) for name in sys.argv[1:3])
    different = [
        f"{name}, {key}: {was.get(key)} -> {now.get(key)}"
        for name in sorted({*before, *after})
        for was, now in [(before.get(name, {}), after.get(name, {}))]
        for key in sorted({*was, *now})
        if was.get(key) != now.get(key)
    ]
    print("\n".join([*different, f"{len(before)} before, {len(after)} after, "
                                 f"{len(different)} differences"]))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
