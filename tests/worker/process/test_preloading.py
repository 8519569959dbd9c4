"""Libraries that take long to import are imported once per submission and not in every session."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from grader.checks.hidden_networks import RESNET18
from grader.records import Question
from grader.rubric.model import Limits
from grader.sandbox.base import Job
from grader.sandbox.conversation import converse
from grader.sandbox.process import ProcessSandbox
from grader.worker.process.preloading import heavy_imports
from tests.factories import write_files


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"hw2.py": "import matplotlib.pyplot as plt\n"}, ["matplotlib.pyplot"]),
        ({"hw2.py": "import torch\r\nfrom matplotlib import pyplot\r\n"}, ["matplotlib.pyplot"]),
        ({"hw2.py": "x = 1", "plots/curve.py": "def draw():\n\timport matplotlib\n"},
         ["matplotlib.pyplot"]),
        ({"hw2.py": "import pandas as pd\nimport matplotlib\n"}, ["matplotlib.pyplot", "pandas"]),
        ({"hw2.py": "import torch\n# plots with matplotlib\nplt = 'import matplotlib'\n"}, []),
        ({"hw2.py": "import pandasql\nimport my_matplotlib\n"}, []),
        ({"hw2.py": "import pandas\n", "pandas.py": "def read_csv(path): return []\n"}, []),
        ({"hw2.py": "import matplotlib\n", "matplotlib/__init__.py": ""}, []),
        ({"hw2.py": b"\xff\xfeimport\x00 \xe9\n" + b" " * 200_000 + b"\n"}, []),
        ({"README.md": "import pandas\n"}, []),
    ],
)  # fmt: skip
def test_what_a_file_imports_is_found(
    files: dict[str, str | bytes], expected: list[str], tmp_path: Path
) -> None:
    write_files(tmp_path, files)
    assert list(heavy_imports(tmp_path)) == expected


LOOKS = """
import sys
print("loaded before:", "matplotlib.pyplot" in sys.modules)
import matplotlib
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.savefig("curve.png")
print("drawn with", matplotlib.get_backend(), len(open("curve.png", "rb").read()) > 1000)

def layer_parameter_counts(model):
    return {}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="sessions are not forked on this system")
def test_a_script_finds_its_library_loaded_and_draws_with_it(tmp_path: Path) -> None:
    write_files(tmp_path, {"hw2.py": LOOKS})
    assert "loaded before: True\ndrawn with agg True" in _printed(tmp_path)


def test_a_file_of_the_students_replaces_the_library(tmp_path: Path) -> None:
    own = "import pandas\nprint(pandas.MINE)\ndef layer_parameter_counts(model): return {}\n"
    write_files(tmp_path, {"hw2.py": own, "pandas.py": "MINE = 'the student wrote it'\n"})
    assert "the student wrote it" in _printed(tmp_path)


def _printed(folder: Path) -> str:
    question = Question("layers", "layer_counts", {"network": RESNET18}, "layers", 60.0)
    (evidence,) = converse(ProcessSandbox(), Job("ada", folder, (question,), Limits()))
    return evidence.outcome.output
