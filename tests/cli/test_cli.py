"""The command line as it is typed: what it prints, what it writes, and its exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from grader.checks.registry import parameter_models
from grader.rubric.load import json_schema

ROOT = Path(__file__).parent.parent.parent
RUBRIC = ("--rubric", str(ROOT / "rubric.yaml"))
SCRIPT = """\
import torch.nn as nn
import torchvision

model = torchvision.models.resnet18()
bn, bias, rest = [], [], []
for module in model.modules():
    for name, parameter in module.named_parameters(recurse=False):
        if isinstance(module, nn.BatchNorm2d):
            bn.append(parameter)
        else:
            (bias if name == "bias" else rest).append(parameter)
"""


@pytest.fixture
def submissions(tmp_path: Path) -> Path:
    """Two students who handed in a written answer each; nothing has to be run for it."""
    folder = tmp_path / "submissions"
    for student in ("ada", "grace"):
        (folder / student).mkdir(parents=True)
        (folder / student / "hw2.py").write_text("x = 1\n", encoding="utf-8")
        (folder / student / "answers.md").write_text("## (a)\nTwo words.\n", encoding="utf-8")
    return folder


def grader(*words: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run it without a Docker Engine, in a pipe."""
    environment = os.environ | {
        "DOCKER_HOST": "unix:///nonexistent/docker.sock", "PYTHONPATH": str(ROOT), "COLUMNS": "80",
    }
    return subprocess.run(
        [sys.executable, "-m", "grader", *map(str, words)],
        cwd=cwd, env=environment, capture_output=True, text=True, check=False,
    )


def grade_written(folder: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return grader("run", folder, *RUBRIC, "--criterion", "written-a", "--out", out, *more)


def test_help_names_every_command() -> None:
    done = grader("--help")
    assert done.returncode == 0
    commands = ("run", "check", "validate", "init", "schema", "image", "release", "doctor")
    for command in commands:
        assert f"\n  {command} " in done.stdout
    assert "_GRADER_COMPLETE=bash_source grader" in done.stdout


@pytest.mark.parametrize("word", ["grade", "--colour"])
def test_a_mistyped_command_is_a_mistake_of_usage(word: str) -> None:
    done = grader(word)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr


def test_an_unknown_student_is_told_with_those_there_are(submissions: Path, tmp_path: Path) -> None:
    done = grade_written(submissions, tmp_path / "out", "--only", "adda", "--sandbox", "process")
    assert done.returncode == 2
    assert f"no student 'adda' in {submissions}; there are ada, grace" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_without_submissions_is_a_mistake_of_usage(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = grade_written(tmp_path / "empty", tmp_path / "out")
    assert done.returncode == 2
    assert "no submission in it" in done.stderr


def test_an_unknown_criterion_is_told_with_those_there_are(
    submissions: Path, tmp_path: Path
) -> None:
    done = grader("run", submissions, *RUBRIC, "--criterion", "acuracy", "--sandbox", "process",
                  "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "no criterion 'acuracy' in the rubric; it has written-a, " in done.stderr


def test_a_rubric_that_is_not_there_is_a_mistake_of_usage(submissions: Path) -> None:
    done = grader("run", submissions, "--rubric", "nowhere.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "grader: nowhere.yaml: cannot be read: No such file or directory\n"


def test_a_wrong_rubric_is_told_with_its_line(submissions: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "rubric.yaml"
    text = (ROOT / "rubric.yaml").read_text(encoding="utf-8").replace("\ncap:", "\ncapp:")
    wrong.write_text(text, encoding="utf-8")
    done = grader("run", submissions, "--rubric", wrong)
    line = text[: text.index("capp:")].count("\n") + 1
    assert done.returncode == 2
    assert f"{wrong}:{line}: capp: this key is not known; did you mean 'cap'?" in done.stderr


def test_schema_prints_the_schema_of_the_rubric() -> None:
    done = grader("schema")
    assert done.returncode == 0
    assert json.loads(done.stdout) == json_schema(parameter_models())


def test_init_writes_the_starter_and_overwrites_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    done = grader("init", "--starter", folder)
    assert done.returncode == 0
    assert {path.name for path in folder.iterdir()} == {"hw2.py", "answers.md"}
    (folder / "answers.md").unlink()
    (folder / "hw2.py").write_text("my work\n", encoding="utf-8")
    again = grader("init", "--starter", folder)
    assert again.returncode == 2
    assert "is already there; nothing was written" in again.stderr
    assert [path.name for path in folder.iterdir()] == ["hw2.py"]
    assert (folder / "hw2.py").read_text(encoding="utf-8") == "my work\n"


def test_check_gives_json_and_nothing_else_on_stdout(tmp_path: Path) -> None:
    file = tmp_path / "ada_hw2_problem1.py"
    file.write_text(SCRIPT, encoding="utf-8")
    done = grader("check", file, *RUBRIC, "--criterion", "parameter-groups", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["student"], found["score"], found["max"]) == ("ada", 5, 5)
    (criterion,) = found["criteria"]
    assert (criterion["id"], criterion["status"]) == ("parameter-groups", "passed")


def test_check_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = grader("check", tmp_path / "hw2.py", *RUBRIC, "--criterion", "written-a")
    assert (done.returncode, done.stdout) == (2, "")
    assert "hw2.py" in done.stderr


def test_check_does_not_speak_of_hidden_criteria(tmp_path: Path) -> None:
    file = tmp_path / "hw2.py"
    file.write_text(SCRIPT, encoding="utf-8")
    text = (ROOT / "rubric.yaml").read_text(encoding="utf-8")
    hidden = tmp_path / "rubric.yaml"
    hidden.write_text(
        text.replace("- id: accuracy", "- id: accuracy\n    visibility: hidden")
        .replace("handouts: handouts", ""),
        encoding="utf-8",
    )
    done = grader("check", file, "--rubric", hidden, "--criterion", "accuracy")
    assert done.returncode == 2
    others = done.stderr.partition("these can:")[2]
    assert "written-a" in others
    assert "accuracy" not in others


def test_run_grades_only_whom_it_is_told_to(submissions: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = grade_written(submissions, out, "--only", "grace", "--sandbox", "process")
    assert done.returncode == 0, done.stderr
    assert "[1/1] grace: " in done.stdout
    assert "protects against nothing else" in " ".join(done.stdout.split())
    (graded,) = json.loads((out / "grades.json").read_text(encoding="utf-8"))["submissions"]
    assert (graded["student"], graded["state"]) == ("grace", "needs_marking")
    assert sorted(path.name for path in (out / "feedback").iterdir()) == ["grace.html", "grace.md"]
    assert (out / "grades.csv").is_file()


def graded_in(out: Path) -> dict[str, list[str]]:
    """The criteria that have a mark or wait for one, by student."""
    document = json.loads((out / "grades.json").read_text(encoding="utf-8"))
    return {one["student"]: [c["id"] for c in one["criteria"]] for one in document["submissions"]}


@pytest.mark.parametrize("fresh", [(), ("--fresh",)])
def test_one_criterion_of_one_student_leaves_all_other_marks_as_they_are(
    submissions: Path, tmp_path: Path, fresh: tuple[str, ...]
) -> None:
    out, local = tmp_path / "out", ("--sandbox", "process")
    assert grade_written(submissions, out, "--criterion", "written-b", *local).returncode == 0
    both = {name: ["written-a", "written-b"] for name in ("ada", "grace")}
    assert graded_in(out) == both
    done = grade_written(submissions, out, "--only", "ada", *local, *fresh)
    assert done.returncode == 0, done.stderr
    assert graded_in(out) == both


def test_who_has_no_marks_yet_is_told(submissions: Path, tmp_path: Path) -> None:
    done = grade_written(submissions, tmp_path / "out", "--only", "ada", "--sandbox", "process")
    assert "1 other student not graded by this rubric yet" in done.stdout


def test_results_inside_the_class_folder_are_no_submission(submissions: Path) -> None:
    for _ in range(2):
        done = grade_written(submissions, submissions / "results", "--sandbox", "process")
        assert done.returncode == 0, done.stderr
    assert set(graded_in(submissions / "results")) == {"ada", "grace"}


def test_results_that_cannot_be_kept_there_are_a_mistake_of_usage(
    submissions: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    done = grade_written(submissions, tmp_path / "out", "--sandbox", "process")
    assert done.returncode == 2
    assert "cannot be written: File exists" in done.stderr


def test_without_an_engine_the_message_says_what_to_do(submissions: Path, tmp_path: Path) -> None:
    done = grade_written(submissions, tmp_path / "out", "--sandbox", "docker")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for part in ("no Docker Engine answers", "docker info", "DOCKER_HOST", "--sandbox process"):
        assert part in done.stderr


def test_auto_takes_a_process_where_no_engine_answers_and_says_so(
    submissions: Path, tmp_path: Path
) -> None:
    done = grade_written(submissions, tmp_path / "out", "--sandbox", "auto")
    assert done.returncode == 0, done.stderr
    assert "No Docker Engine answers" in done.stdout
    assert "Grade a class with --sandbox docker." in done.stdout
    assert "[2/2] " in done.stdout


def test_without_torch_on_this_machine_the_message_says_how_to_get_it(submissions: Path) -> None:
    words = ["grader", "check", str(next(submissions.iterdir()))]
    code = f"import sys; sys.modules['torch'] = None; sys.argv = {words}\n" \
           "from grader.cli.app import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert ran.returncode == 2
    assert "has no torch." in ran.stderr and "pip install 'torch-grader[torch]'" in ran.stderr


@pytest.mark.parametrize("jobs", ["0", "-1", "many"])
def test_a_number_of_jobs_that_makes_no_sense_is_refused(submissions: Path, jobs: str) -> None:
    assert grader("run", submissions, "--jobs", jobs).returncode == 2


def test_a_rubric_with_written_answers_is_validated(tmp_path: Path) -> None:
    """The reference need not answer what a person marks."""
    text = (ROOT / "rubric.yaml").read_text(encoding="utf-8")
    text = text.replace("reference: reference", f"reference: {(ROOT / 'reference').as_posix()}")
    text = text.replace("handouts: handouts", f"handouts: {(ROOT / 'handouts').as_posix()}")
    text = re.sub(r"(?m)^(starter|validation):.*\n", "", text)
    head, _, criteria = text.partition("criteria:\n")
    kept = [one for one in criteria.split("  - id: ") if one.startswith(("written", "layer"))]
    rubric = tmp_path / "rubric.yaml"
    body = head.replace("total: 60", "total: 10") + "criteria:\n  - id: " + "  - id: ".join(kept)
    rubric.write_text(body, encoding="utf-8")
    done = grader("validate", "--rubric", str(rubric), "--sandbox", "process")
    assert done.returncode == 0, done.stdout
    assert "The reference earns everything" in done.stdout
