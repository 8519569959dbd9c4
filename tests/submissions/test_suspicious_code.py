"""Remarks: what could forge testimony is pointed out, homework is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.checks.check import with_doubt
from grader.records import Submission, Verdict
from grader.submissions.suspicious_code import remarks

ROOT = Path(__file__).parent.parent.parent
HOMEWORK = [ROOT / "reference", ROOT / "starter", *sorted((ROOT / "submissions").iterdir())]


@pytest.mark.parametrize("path", HOMEWORK, ids=lambda path: path.name)
def test_homework_gives_no_remark(path: Path) -> None:
    folder = path if path.is_dir() else path.parent
    files = [p.relative_to(folder).as_posix() for p in folder.rglob("*.py")] if path.is_dir() else [
        path.name
    ]
    # The reference has a command line of its own, which is the grader's friend.
    assert remarks(folder, [file for file in files if file != "cli.py"]) == ()


@pytest.mark.parametrize(
    "line",
    [
        "from grader.worker import observe",
        "sys.modules['grader.worker.observer.observer']",
        "open('/proc/self/mem')",
        "[o for o in gc.get_objects()]",
        "sys._getframe(1)",
        "import ctypes",
        "os.write(4, b'')",
        "import fcntl",
        "torch.nn.modules.module._global_forward_hooks.clear()",
    ],
)
def test_what_could_forge_a_report_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "hw2.py").write_text(f"import torch\n{line}\n", encoding="utf-8")
    (remark,) = remarks(tmp_path, ["hw2.py", "answers.md"])
    assert remark.startswith("hw2.py:2 reaches for ")


def test_words_that_sound_alike_are_none(tmp_path: Path) -> None:
    text = (
        "# not hidden from grader; frames of a film\nfrom grader_utils import x\n"
        "y = loader.read()\nos.path.join(process(x))\n"
    )
    (tmp_path / "hw2.py").write_text(text, encoding="utf-8")
    assert remarks(tmp_path, ["hw2.py"]) == ()


def test_testimony_with_a_remark_waits_for_a_person(tmp_path: Path) -> None:
    plain = Submission("ada", tmp_path, tmp_path, ("hw2.py",), "digest")
    odd = Submission("ada", tmp_path, tmp_path, ("hw2.py",), "digest", remarks=("hw2.py:1 ...",))
    passed, failed = Verdict("x", "passed", 1.0, "Right."), Verdict("x", "failed", 0.0, "Wrong.")
    assert with_doubt(passed, plain) == passed
    assert with_doubt(failed, odd) == failed
    doubted = with_doubt(passed, odd)
    assert (doubted.status, doubted.fraction) == ("needs_marking", 0.0)
    assert doubted.seen["would_earn"] == 1.0
