"""Names that a homework has, completed in a shell as somebody types."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.grading.gradebook_file import open_gradebook
from grader.records import Concluded, Submission, Verdict
from tests.cli.test_cli import ROOT

PROGRAM = "import sys; sys.argv = ['grader']; from grader.cli.app import main; main()"


def script_for(shell: str) -> str:
    """The script that click prints to switch completion on."""
    environment = os.environ | {"_GRADER_COMPLETE": f"{shell}_source", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True,
                          text=True, check=True)
    return done.stdout


def completed(words: str, cwd: Path = ROOT) -> list[str]:
    """Return the completions of the last word."""
    environment = os.environ | {
        "_GRADER_COMPLETE": "bash_complete", "COMP_WORDS": words, "PYTHONPATH": str(ROOT),
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=cwd, env=environment,
                          capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_commands_options_criteria_profiles_and_students() -> None:
    assert completed("grader rel") == ["release"]
    assert "--verbose" in completed("grader run submissions --v")
    assert completed("grader check x.py --criterion written-") == [
        "written-a", "written-b", "written-d"
    ]
    assert completed("grader run submissions --profile f") == ["full"]
    assert completed("grader run submissions --only bym") == ["bymodule"]


def test_students_of_the_folder_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "handed-in").mkdir()
    (tmp_path / "handed-in" / "noether.py").write_text("", encoding="utf-8")
    assert completed("grader run handed-in --only no", tmp_path) == ["noether"]


def test_students_of_the_results(tmp_path: Path) -> None:
    with open_gradebook(tmp_path / "results", print) as book:
        book.begin({"a": "1"}, seed=1, drawn=1, fresh=False)
        for name in ("ada", "adele", "grace"):
            book.add(Submission(name, tmp_path, tmp_path, (), "d"),
                     Concluded({"a": Verdict("a", "passed", 1.0, "")}))
    assert completed("grader explain ad", tmp_path) == ["ada", "adele"]
    assert completed("grader export github --student g", tmp_path) == ["grace"]


def test_where_nothing_can_be_read_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "rubric.yaml").write_text("criteria: [", encoding="utf-8")
    assert completed("grader check x.py --criterion ", tmp_path) == []
    assert completed("grader run nowhere --only ", tmp_path) == []
    assert completed("grader explain ", tmp_path) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed_and_the_shell_takes_it(shell: str) -> None:
    script = script_for(shell)
    assert "_GRADER_COMPLETE" in script
    if program := shutil.which(shell):
        checked = subprocess.run([program, "-n", "/dev/stdin"], input=script, text=True,
                                 capture_output=True, check=False)
        assert checked.returncode == 0, checked.stderr


def test_in_bash_the_key_really_completes(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash on this machine")
    program = tmp_path / "grader"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{PROGRAM}"\n', encoding="utf-8")
    program.chmod(0o755)
    script = (
        f"{script_for('bash')}\n"
        "COMP_WORDS=(grader check hw2.py --criterion para) COMP_CWORD=4\n"
        f"_grader_completion {program}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    )
    done = subprocess.run([bash, "-c", script], cwd=ROOT, capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert done.stdout.split() == ["parameter-groups"], done.stderr
