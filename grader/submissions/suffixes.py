"""Kinds of files, by their names; browsers, editors and old systems change these.

    HW2.PY  hw2.py.txt  hw2.pyw  hw2.ipynb.json  hw2.ipynb.download  hw2.zip.txt
"""

from __future__ import annotations

import re
from pathlib import PurePath

CODE = (".py", ".ipynb")
# The last two cannot be opened; a person does it.
ARCHIVES = (
    ".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz", ".rar", ".7z",
)  # fmt: skip
_DOCUMENTS = (
    ".md", ".markdown", ".tex", ".txt", ".text", ".rst", ".docx", ".odt",
    ".pdf", ".doc", ".rtf", ".pages", ".html", ".htm", ".ppt", ".pptx", ".key", ".xps", ".djvu",
)  # fmt: skip

_KNOWN = (*CODE, *ARCHIVES)
# Appended by a browser, a mail program or an editor on a system that hides suffixes.
_APPENDED = re.compile(r"\.(?:txt|text|json|download|bin|part)$", re.IGNORECASE)
_OTHERWISE = {".pyw": ".py", ".py3": ".py"}


def plain_name(name: str) -> str:
    """Return the name of a file of code or an archive with its usual suffix, in lower case.

    `HW2.PY` and `HW2.py.txt` give `HW2.py`. Any other name is returned as it is.
    """
    bare = name
    while not bare.lower().endswith(_KNOWN) and _APPENDED.search(bare):
        bare = _APPENDED.sub("", bare)
    suffix = PurePath(bare).suffix
    usual = _OTHERWISE.get(suffix.lower(), suffix.lower())
    known = usual in CODE or bare.lower().endswith(ARCHIVES)
    return bare.removesuffix(suffix) + usual if known and bare != suffix else name


def is_code(name: str) -> bool:
    """Return True for the name of a Python file or a notebook, however its suffix is written."""
    return plain_name(name).endswith(CODE)


def is_archive(name: str) -> bool:
    """Return True for the name of an archive, however its suffix is written."""
    return plain_name(name).lower().endswith(ARCHIVES)


def is_document(name: str) -> bool:
    """Return True for the name of a file that is made to hold text for a reader."""
    return plain_name(name) == name and name.lower().endswith(_DOCUMENTS)


def stem(name: str) -> str:
    """Return the name without its suffix: `ada` for `ada.py.txt` and for `ada.tar.gz`."""
    bare = PurePath(plain_name(name)).stem
    return PurePath(bare).stem if bare.lower().endswith(".tar") else bare
