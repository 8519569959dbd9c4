"""Makes bulk downloads in the formats of Gradescope and Canvas."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.factories import zip_of

# A group of two, one student with an earlier attempt, one without a name; keys are Ruby symbols.
GRADESCOPE = """\
---
submission_301:
  :submitters:
  - :name: Ada Lovelace
    :sid: '17'
    :email: ada@school.example
  - :name: Grace Hopper
    :sid: '18'
    :email: grace@school.example
  :created_at: 2026-11-30 22:10:05.123456000 Z
  :score: 0.0
  :status: processed
  :results:
    :score: 0.0
  :history: []
submission_302:
  :submitters:
  - :name: Emmy Noether
    :sid: '19'
    :email: emmy@school.example
  :created_at: 2026-12-01 09:30:00.000000000 -05:00
  :status: processed
  :history:
  - :id: 290
    :created_at: 2026-11-30 10:00:00.000000000 -05:00
    :score: 1.0
    :status: processed
submission_303:
  :submitters:
  - :email: alan@school.example
  :created_at: 2026-11-29 08:00:00 Z
"""
# The next day's download: Emmy submitted again.
GRADESCOPE_LATER = GRADESCOPE.replace("submission_302:", "submission_310:").replace(
    "2026-12-01 09:30:00", "2026-12-02 11:00:00"
).replace("  - :id: 290\n", """\
  - :id: 302
    :created_at: 2026-12-01 09:30:00.000000000 -05:00
    :status: processed
  - :id: 290
""")  # fmt: skip
CANVAS_GRADEBOOK = """\
Student,ID,SIS User ID,SIS Login ID,Section,Homework 1 (7),Current Score,Final Score
    Points Possible,,,,,10,(read only),(read only)
"Lovelace, Ada",123,s11,ada@school.example,ESE 546-001,9,90,90
"Hopper, Grace",77,s12,grace@school.example,ESE 546-001,8,80,80
"Noether, Emmy",99,s13,emmy@school.example,ESE 546-002,,0,0
"Student, Test",5,,0a1b,ESE 546-001,,,
"""
CANVAS = {
    "lovelaceada_123_4501_hw2.py": "x = 1",
    "lovelaceada_123_4502_answers.md": "## (a)\nTwo words.",
    "hoppergrace_LATE_77_4503_hw2.py": "x = 2",
}
# Grace submitted again: Canvas appends a number and has the last attempt only.
CANVAS_LATER = {
    "lovelaceada_123_4501_hw2.py": "x = 1",
    "lovelaceada_123_4502_answers.md": "## (a)\nTwo words.",
    "hoppergrace_LATE_77_4610_hw2-1.py": "import params",
    "hoppergrace_LATE_77_4611_params-1.py": "x = 3",
}


def zipped(files: Mapping[str, str], path: Path) -> Path:
    path.write_bytes(zip_of(files))
    return path


def gradescope(path: Path, metadata: str = GRADESCOPE, *numbers: int) -> Path:
    """Write Gradescope's zip, in which everything is in one folder."""
    top = "assignment_42_export"
    files = {f"{top}/submission_{n}/hw2.py": f"x = {n}" for n in numbers or (301, 302, 303)}
    return zipped({f"{top}/submission_metadata.yml": metadata} | files, path)
