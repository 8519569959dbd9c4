"""One odd file costs nothing else; where nothing is left that can be graded, a person decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.checks.check import with_unread
from grader.rubric.model import Rubric
from grader.run.pipeline import _without_code
from grader.run.setup import set_up
from grader.sandbox.process import ProcessSandbox
from grader.submissions.discover import discover
from tests.factories import criterion, grade_class, submission, verdict, write_files, zip_of

CODE = """\
from torchvision.models import resnet18
for name, layer in resnet18(weights=None).named_modules():
    own = sum(p.numel() for p in layer.parameters(recurse=False))
    if own:
        print(name, own)
"""


def test_odd_files_cost_no_points_and_are_told(rubric: Rubric, tmp_path: Path) -> None:
    odd = ("plots/\U0001f469\u200d\U0001f4bb.png", "re\u00adport.png", "\u05d3\u200f.png")
    folder = write_files(tmp_path / "class", {
        "ada.zip": zip_of({"upload.zip": zip_of({"HW2.PY.txt": CODE} | dict.fromkeys(odd, b"x"))}),
        "ben/hw2.pyw": CODE, "ben/old.rar": b"Rar!\x1a\x07\x01\x00",
        "eve.7z": b"7z\xbc\xaf\x27\x1c",
    })  # fmt: skip
    with (folder / "ben/cifar-10.tar.gz").open("wb") as file:
        file.truncate(130_000_000)
    setup = set_up(
        rubric, ["layer-counts"], ProcessSandbox(), tmp_path / "run", tmp_path / "cache", seed=0
    )
    grades = grade_class(setup, discover(folder))
    rows = {who: one.criteria[0].verdict for who, one in grades.items()}
    assert {who: row.status for who, row in rows.items()} == {
        "ada": "passed", "ben": "passed", "eve": "needs_marking",
    }
    assert "RAR and 7z archives can't be read" in rows["eve"].reason
    assert "'cifar-10.tar.gz' was left out: larger than 100 MB" in " ".join(grades["ben"].notes)
    assert "is called" in " ".join(grades["ada"].notes)


@pytest.mark.parametrize("unread", ["hw2.py", "hw2.ipynb", "part2.rar"])
def test_points_are_not_lost_for_good_where_code_could_not_be_read(unread: str) -> None:
    work = submission(unread=(unread,))
    for status, fraction in (("failed", 0.0), ("partial", 0.5)):
        left = with_unread(verdict(fraction=fraction, status=status), work)  # type: ignore[arg-type]  # words
        assert left.status == "needs_marking" and unread in left.reason
        assert left.seen["would_earn"] == fraction


def test_what_is_unread_changes_nothing_else() -> None:
    passed, failed = verdict(), verdict(fraction=0, status="failed")
    assert with_unread(passed, submission(unread=("hw2.py",))) == passed
    assert with_unread(failed, submission(unread=("report.pdf",))) == failed
    assert with_unread(failed, submission()) == failed


def test_without_code_a_person_decides_unless_answers_are_all_there_is() -> None:
    asked = [criterion("x")]
    waiting = [
        submission(files=("hw2.docx",)),
        submission(files=()),   # an upload that failed, or files that a system lost
        submission(files=("hw2.pdf",), answers={"pdf": "hw2.pdf"}),   # a printed notebook
        submission(files=(), unread=("hw2.rar",)),
        submission(files=("answers.md",), answers={"a": "One"}, unread=("hw2.ipynb",)),
    ]
    for work in waiting:
        assert _without_code(work, asked)["x"].status == "needs_marking"
    asked_as_usual = [submission(), submission(files=("a.md",), answers={"a": "One"})]
    assert not any(_without_code(work, asked) for work in asked_as_usual)


def test_a_written_answer_is_not_blank_where_nothing_could_be_read() -> None:
    code, text = criterion("x"), criterion("written")
    for files in ((), ("hw1.gz",), ("brocktessa_14_text.html",)):
        found = _without_code(submission(files=files), [code, text], [text])
        assert set(found) == {"x", "written"}
    read = submission(files=("a.md", "x.docx"), answers={"a": "One"}, unread=("x.docx",))
    pdf = submission(files=("a.pdf",), answers={"pdf": "a.pdf"})
    assert all(set(_without_code(work, [code, text], [text])) == {"x"} for work in (read, pdf))
