"""The scripts that a person would run are found among the files of a student."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.worker.student_code import entry_points
from tests.factories import write_files

TRAINER = "def train(model, loader):\n    loss.backward()\n    optimizer.step()\n"


def submission(folder: Path, **files: str) -> Path:
    named = {f"{name.replace('__', '/')}.py": text for name, text in files.items()}
    return write_files(folder, named)


def trains(folder: Path) -> list[str]:
    found = entry_points.training_scripts(folder)
    return [source.path.relative_to(folder).as_posix() for source in found]


def test_the_script_that_imports_the_training_is_run(tmp_path: Path) -> None:
    files = {"engine": TRAINER, "nets": "import torch\n", "main": "from engine import train\n"}
    assert trains(submission(tmp_path, **files)) == ["main.py"]


def test_the_script_may_be_several_imports_away(tmp_path: Path) -> None:
    files = {
        "lib__loops": TRAINER, "lib____init__": "", "trainer": "import lib.loops as loops\n",
        "hw2": "import trainer\n", "problem1": "print(1)\n",
    }
    assert trains(submission(tmp_path, **files)) == ["hw2.py"]


def test_files_that_import_each_other_are_all_tried(tmp_path: Path) -> None:
    files = {"a": f"import b\n{TRAINER}", "b": "import a\n"}
    assert sorted(trains(submission(tmp_path, **files))) == ["a.py", "b.py"]


def test_a_relative_import_names_the_file(tmp_path: Path) -> None:
    files = {"hw__engine": TRAINER, "hw__run": "from .engine import train\n"}
    folder = submission(tmp_path, **files)
    assert trains(folder) == ["hw/run.py"]
    (script,) = entry_points.training_scripts(folder)
    assert script.is_of_a_package


def test_a_file_that_inspects_parameters_comes_before_its_importers(tmp_path: Path) -> None:
    files = {
        "problem1": "for m in model.modules():\n    pass\n",
        "groups": "for n, p in model.named_parameters():\n    m.modules()\n",
        "problem2": "from groups import split\n",
    }
    found = entry_points.inspecting_scripts(submission(tmp_path, **files))
    assert [source.path.name for source in found] == ["problem1.py", "groups.py", "problem2.py"]


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("def train(n):\n    return train(n - 1)\n", False),
        ("def train():\n    pass\ntrain()\n", True),
        ("def train():\n    pass\ndef main():\n    return [train() for _ in range(3)]\n", True),
        ("import engine\nengine.train(1)\n", True),
        ("model.train\n", False),
    ],
)
def test_a_function_that_only_calls_itself_is_not_called(
    tmp_path: Path, text: str, called: bool
) -> None:
    assert entry_points.is_called(submission(tmp_path, hw2=text), "train") is called
