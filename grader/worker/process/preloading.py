"""Names the heavy libraries that a submission imports, so that they are imported once.

Each session runs the submission's files anew. Importing matplotlib takes about a second of
processor time, and a submission has up to eight sessions; a forked session gets what its parent
imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

# Libraries that take long to import, and the module of each that scripts import. Importing them
# computes nothing and starts no thread that outlives the import, so a fork is safe afterwards.
HEAVY = {"matplotlib": "matplotlib.pyplot", "pandas": "pandas"}


def heavy_imports(submission: Path) -> Iterator[str]:
    """Yield the heavy modules that a file of the submission imports.

    The files are searched and not parsed: a word that is no import costs a second and nothing else.
    A library that a file of the student's replaces, such as a `pandas.py`, is left out.
    """
    files = [path for path in sorted(submission.rglob("*.py")) if path.is_file()]
    texts = [path.read_bytes() for path in files]
    own = {path.stem for path in files} | {path.parent.name for path in files}
    for library, module in HEAVY.items():
        words = rf"^[ \t]*(?:import|from)[ \t]+{library}\b".encode()
        line = re.compile(words, re.MULTILINE)
        if library not in own and any(map(line.search, texts)):
            yield module
