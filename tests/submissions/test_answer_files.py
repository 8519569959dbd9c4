"""Written answers are found wherever students put them; else a part may be blank."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.checks.check import Work
from grader.checks.written_answer import CHECK, Params
from grader.records import Submission, Verdict
from grader.submissions.discover import hand_in
from grader.submissions.documents import document_text
from grader.submissions.prepare import prepare_trusted as prepare
from grader.submissions.script_texts import script_texts
from tests.checks.evidence import key
from tests.factories import criterion, write_files, zip_of

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
CODE = "import torch\nx = torch.zeros(3)   # three of them\n"
PROSE = "Batch norm stands before the ReLU, and the first layer has a stride of two."


def docx(*lines: str) -> bytes:
    run = "<w:r><w:t>{}</w:t></w:r>".format
    body = "".join(f"<w:p>{run(line[:3])}{run(line[3:])}</w:p>" for line in lines)
    xml = f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>'
    return zip_of({"[Content_Types].xml": "", "word/document.xml": xml})


def odt(*lines: str) -> bytes:
    span = "<text:span>{}</text:span>".format
    body = "".join(f"<text:p>{line[:3]}{span(line[3:])}</text:p>" for line in lines)
    return zip_of({"content.xml": f'<office xmlns:text="urn:text">{body}</office>'})


def handed_in(tmp_path: Path, files: dict[str, str | bytes]) -> Submission:
    return prepare(hand_in(write_files(tmp_path / "ada", files)), tmp_path / "w")


def judged(work: Submission, part: str = "1(a)") -> Verdict:
    asked = criterion("a", part=part, params=Params(answer=part[-2]))
    return CHECK.judge(asked, Work(work, {}), key())


def notebook(*cells: tuple[str, str]) -> str:
    bare: dict[str, object] = {"metadata": {}, "outputs": []}
    found = [{"cell_type": kind, "source": text, **bare} for kind, text in cells]
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": found})


HOLDS_A: dict[str, str | bytes] = {
    "answers.txt": f"(a) {PROSE}\n\n(b) Two",
    "Answers.TXT": f"1a) {PROSE}",
    "written.docx": docx(f"(a) {PROSE}", "(b) Two"),
    "written.odt": odt("Problem 1", f"(a) {PROSE}"),
    "README.md": f"## (a)\n{PROSE}",
    "notes.rst": f"Part a:\n{PROSE}",
    "utf16.txt": f"(a) {PROSE}".encode("utf-16"),
    "docstring.py": f'"""\n1a) {PROSE}\n\n1b) Two\n"""\nimport torch\n',
    "function.py": f'def f():\n    """Problem 1 (a): {PROSE}"""\n',
    "comments.py": f"import torch\n\n# Part (a)\n#\n# {PROSE}\nx = 1\n# another comment\n",
    "block.py": f"import torch\n# (a)\n\n# {PROSE}\n",
    "name.py": f'import torch\nanswer_a = "{PROSE}"\nANSWER_B = "no more words to say"\n',
    "broken.py": f"# (a) {PROSE}\ndef broken(:\n",
    "prints.py": f'print("(a) {PROSE}")\n',
    "raw.ipynb": notebook(("raw", f"(a) {PROSE}")),
    "code.ipynb": notebook(("code", f'"""\n(a) {PROSE}\n"""'), ("code", "x = 1")),
}


@pytest.mark.parametrize("name", HOLDS_A)
def test_an_answer_is_found_and_shown_to_the_person_who_marks(tmp_path: Path, name: str) -> None:
    found = judged(handed_in(tmp_path, {"hw2.py": CODE, name: HOLDS_A[name]}))
    assert found.status == "needs_marking" and PROSE in found.seen["answer"]
    assert "another comment" not in found.seen["answer"]


MAY_HOLD_A: dict[str, str | bytes] = {
    "answers.txt": PROSE,
    "written.md": PROSE,
    "answers.docx": docx(PROSE),
    "damaged.docx": b"PK\x03\x04 nonsense",
    "bomb.docx": zip_of({"word/document.xml": b" " * 20_000_001}),
    "entities.docx": zip_of({"word/document.xml": '<!DOCTYPE x [<!ENTITY a "b">]><p>&a;</p>'}),
    "old.doc": b"\xd0\xcf\x11\xe0",
    "old": b"\xd0\xcf\x11\xe0 no suffix",
    "text.rtf": "{\\rtf1}",
    "mac.pages": b"PK",
    "page.html": "<p>(a)",
    "scan.jpg": b"\xff\xd8",
    "IMG_0042.HEIC": b"x",
    "unheard.of": b"x",
    "more.rar": b"Rar!\x1a\x07\x01\x00",
    "damaged.ipynb": "{",
}


@pytest.mark.parametrize("name", MAY_HOLD_A)
def test_no_part_is_blank_while_a_file_may_hold_it(tmp_path: Path, name: str) -> None:
    found = judged(handed_in(tmp_path, {"hw2.py": CODE, name: MAY_HOLD_A[name]}))
    assert found.status == "needs_marking"
    assert f"A person looks for it in '{name}'" in found.reason


def test_a_pdf_is_for_a_person(tmp_path: Path) -> None:
    found = judged(handed_in(tmp_path, {"hw2.py": CODE, "report.pdf": b"%PDF"}))
    assert found.status == "needs_marking" and found.seen["pdf"] == "report.pdf"


def test_a_part_is_blank_where_no_file_holds_it(tmp_path: Path) -> None:
    work = handed_in(tmp_path, {
        "hw2.py": f'"""Homework 2."""\n{CODE}# count the layers of the network, all of them\n'
                  'plt.savefig("a.png")\n',
        "answers.md": "## (a)\n*Write your answer here.*\n## (b)\nTwo",
        "a.png": b"x", "plots/1.png": b"x", "loss.jpg": b"x", "weights.pth": b"x",
        "requirements.txt": "torch\nnumpy\n", "train_log.txt": "Epoch 1 loss 0.5\n" * 99,
        "steps.txt": "epoch 1 loss 0.5 accuracy 0.5 lr 0.1\n" * 99,
        "LICENSE": "Permission is hereby granted to any person who obtains a copy of this",
        "data/labels.csv": "1", "empty.txt": "",
        "README.md": "Run hw2.py with Python and wait for it.",
    } | {f"cats/{n}.jpeg": b"x" for n in range(31)})  # fmt: skip
    assert work.unread == ()
    found = judged(work)
    assert (found.status, found.attempted) == ("failed", False)
    assert "part (a) is blank" in found.reason
    assert judged(work, "1(b)").status == "needs_marking"


def test_part_a_of_another_problem_is_not_part_a_of_this_one(tmp_path: Path) -> None:
    work = handed_in(tmp_path, {
        "hw2_problem2.py": f'"""(a) {PROSE}"""\nimport torch\n',
        "answers.md": "# Problem 1\n(b) Two\n# Problem 2\n## (a)\nOther",
    })  # fmt: skip
    assert judged(work).status == "failed"
    assert judged(work, "1(b)").seen["answer"] == "Two"
    assert judged(work, "2(a)").seen["answer"] == "Other"


def test_texts_of_a_script_are_docstrings_long_strings_and_blocks_of_comments() -> None:
    source = (
        '"""One of two."""\n# a\n# b\n\n# c\nx = "few words"   # d\n'
        "y = f'{x} is no constant string'\nz = 'it is\\ta constant'\n"
    )
    found = script_texts(source)
    assert found[:3] == ["a\nb\n\nc", "d", "it is\ta constant"]
    assert script_texts("x = (") == [] and script_texts("\0") == []


def test_a_document_is_read_paragraph_by_paragraph() -> None:
    assert document_text(docx("(a) One", "(b) Two")) == "(a) One\n(b) Two"
    assert document_text(odt("(a) One")) == "(a) One"
    assert document_text(b"") is None and document_text(zip_of({"x": ""})) is None
