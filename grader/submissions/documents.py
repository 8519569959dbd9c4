"""Reads the text of a Word or OpenDocument file: bytes in, paragraphs out.

Both are zips with one XML file that holds the text. Only that file is read, within limits.
"""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

SUFFIXES = (".docx", ".odt")
_LARGEST = 20_000_000  # bytes of XML
_TEXTS = ("word/document.xml", "content.xml")
_BREAKS = {"br", "cr", "line-break", "tab"}


def document_text(content: bytes) -> str | None:
    """Return the paragraphs of a document as lines; None if it cannot be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            name = next(name for name in _TEXTS if name in parts.namelist())
            with parts.open(name) as file:
                xml = file.read(_LARGEST + 1)
        # Entities of its own could make a small file a large one; no program writes them.
        if len(xml) > _LARGEST or b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
            return None
        paragraphs = ElementTree.iterparse(io.BytesIO(xml), events=("end",))
        lines = [_text(element) for _, element in paragraphs if _tag(element) in ("p", "h")]
    except Exception:   # the parsers raise a dozen kinds of exceptions for garbage
        return None
    return "\n".join(lines)


def _text(paragraph: ElementTree.Element) -> str:
    pieces: list[str] = []
    for element in paragraph.iter():
        if _tag(element) in _BREAKS:
            pieces.append("\n" if _tag(element) != "tab" else " ")
        pieces.extend(filter(None, (element.text, element.tail if element is not paragraph else "")))
    return "".join(pieces)


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
