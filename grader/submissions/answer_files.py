"""Reads the written answers of a submission, and names the files that may hold some unread.

Answers stand in Markdown, text, LaTeX, Word and OpenDocument files, in notebooks, and in docstrings
and comments of scripts. A PDF or a photograph is for a person, and so is a text in which no part is
named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath

from grader.submissions import documents
from grader.submissions.script_texts import script_texts
from grader.submissions.steps import Steps
from grader.submissions.suffixes import is_archive, is_document
from grader.submissions.written_answers import (
    latex_answers,
    markdown_answers,
    merged,
    problem_in,
)

_LARGEST_TEXT = 1_000_000  # bytes of an answers file that are read
_LARGEST_DOCUMENT = 50_000_000
_MOST_TEXTS = 20  # files of one kind that are read
_MOST_TEXT = 20_000_000  # characters in the cells of all notebooks, pictures among them
_KINDS = ((".md", ".markdown"), (".tex",), documents.SUFFIXES, (".txt", ".text", ".rst", ""))
_PICTURES = (".jpg", ".jpeg", ".png", ".heic", ".heif", ".tif", ".tiff", ".bmp", ".webp")
_MOST_PICTURES = 30  # more are a data set
# Pictures that a script makes, and texts that are no answers.
_PLOT = re.compile(
    r"plot|fig|loss|acc|curve|train|valid|test|epoch|error|lr|rate|hist|conf|mat|sample|image|"
    r"output|result|logo|icon",
    re.IGNORECASE,
)
_NO_ANSWERS = re.compile(
    r"(?:requirements|license|licence|copying|makefile|dockerfile|log|logs|output|out|stdout|"
    r"results?|classes|labels|names|environment|constraints)[\W_\d]*(?:\.\w+)?$|.*log\.txt$|\.",
    re.IGNORECASE,
)
_README = re.compile(r"readme", re.IGNORECASE)
_ANSWERS = re.compile(r"answer|written|report|solution|response|writeup", re.IGNORECASE)
_PROSE = 8  # different words; a log has fewer
_DATA = (
    ".csv", ".tsv", ".json", ".jsonl", ".npy", ".npz", ".pt", ".pth", ".pkl", ".pickle", ".ckpt",
    ".h5", ".hdf5", ".mat", ".bin", ".safetensors", ".onnx", ".yaml", ".yml", ".toml", ".cfg",
    ".ini", ".sh", ".bat", ".ps1", ".log", ".gz", ".lock", ".py", ".pyc", ".ipynb", ".svg", ".gif",
    ".eps", ".mp4", ".wav", ".db", ".sqlite", ".gitignore",
)  # fmt: skip


def read_answers(
    folder: Path, files: Sequence[str], cells: Sequence[str], steps: Steps
) -> tuple[dict[str, str], list[str]]:
    """Return the answers by part, and the names of files that may hold answers that nobody read.

    A PDF's name is the answer "pdf", so that a person can open it.

    Args:
        folder: The submission's folder.
        files: The files in it.
        cells: The texts of all Markdown cells of its notebooks.
        steps: Told of each file; it knows those to skip.
    """
    found: list[Mapping[str, str]] = []
    unread: list[str] = []
    last: list[Mapping[str, str]] = []
    for suffixes in _KINDS:
        for file in sorted(_with_suffix(files, suffixes), key=_order)[:_MOST_TEXTS]:
            text = _text(folder / file) if steps.may("find answers in", file) else None
            answers = {} if text is None else _answers(file, text)
            is_readme = _README.match(PurePath(file).name) is not None
            (last if is_readme else found).append(answers)
            if not answers and not is_readme and (text is None or _is_prose(file, text)):
                unread.append(file)
    if steps.may("find answers in", "the cells"):
        found.append(markdown_answers(_beginning(cells, _MOST_TEXT)))
    else:
        unread.append("the texts in notebooks")
    scripts = [file for file in files if file.endswith(".py")][:_MOST_TEXTS]
    sources = [_text(folder / file) or "" for file in scripts]
    for file, source in zip(scripts, _beginning(sources, _LARGEST_TEXT), strict=True):
        if steps.may("find answers in", file):
            texts = script_texts(source)
            last.append(markdown_answers(texts, problem_in(PurePath(file).name), separate=True))
        else:
            unread.append(file)
    unread += _for_a_person(files, "\n".join(sources))
    pdf = _with_suffix(files, (".pdf",))
    return merged([*found, *last]) | ({"pdf": pdf[0]} if pdf else {}), unread


def _answers(file: str, text: str) -> dict[str, str]:
    problem = problem_in(PurePath(file).name)
    if file.lower().endswith(".tex"):
        return latex_answers(text, problem)
    return markdown_answers([text], problem)


def _text(path: Path) -> str | None:
    """Return the beginning of a file's text; None for a document that cannot be read."""
    is_text = not path.name.lower().endswith(documents.SUFFIXES)
    with path.open("rb") as file:
        content = file.read(_LARGEST_TEXT if is_text else _LARGEST_DOCUMENT)
    if not is_text:
        return documents.document_text(content)
    if content.startswith((b"%PDF", b"\xd0\xcf\x11\xe0")):   # a PDF or an old Word file by its content
        return None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):   # as some editors on Windows write it
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace") if b"\0" not in content else ""


def _with_suffix(files: Sequence[str], suffixes: tuple[str, ...]) -> list[str]:
    return [
        file for file in files
        if PurePath(file).suffix.lower() in suffixes and not _NO_ANSWERS.match(PurePath(file).name)
    ]  # fmt: skip


def _order(file: str) -> tuple[bool, str]:
    """Sort `answers.md` and the like before other files."""
    return not PurePath(file).stem.lower().startswith("answer"), file


def _is_prose(file: str, text: str) -> bool:
    words = {word.lower() for word in text.split() if word.strip(".,:;!?()'\"").isalpha()}
    return len(words) >= _PROSE or (bool(words) and _ANSWERS.search(file) is not None)


def _beginning(texts: Sequence[str], limit: int) -> Iterator[str]:
    for text in texts:
        yield text[:limit]
        limit = max(0, limit - len(text))


def _for_a_person(files: Sequence[str], code: str) -> list[str]:
    """Return files that no program reads here: documents, photographs, and unknown kinds.

    A picture that is named as a plot is none, or in the code; very many pictures are a data set.
    """
    found = [file for file in files if not _is_known(file)]
    pictures = [
        file for file in found
        if file.lower().endswith(_PICTURES) and not is_document(file)
    ]  # fmt: skip
    plots = [file for file in pictures if _PLOT.search(file) or PurePath(file).name in code]
    ignored = set(plots if len(pictures) <= _MOST_PICTURES else pictures)
    return [file for file in found if file not in ignored]


def _is_known(file: str) -> bool:
    suffix, name = PurePath(file).suffix.lower(), PurePath(file).name
    read = any(suffix in suffixes for suffixes in _KINDS)
    return (
        read or suffix in _DATA or suffix == ".pdf" or is_archive(name)
        or _NO_ANSWERS.match(name) is not None or name.startswith("events.out.")
    )  # fmt: skip
