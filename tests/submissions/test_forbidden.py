"""What a criterion forbids is found under every name that it can have, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from grader.checks.forbidden_names import with_forbidden
from grader.records import Use, Verdict
from grader.rubric.model import Criterion, Model
from grader.submissions.forbidden import all_rules, forbidden_uses, rules_of
from grader.submissions.steps import Steps
from tests.factories import rubric, submission, write_files

NORM = "torch.nn.BatchNorm2d"


def uses(folder: Path, text: str, *rules: str, **others: str) -> tuple[Use, ...]:
    files = {"hw.py": text, **{f"{name}.py": other for name, other in others.items()}}
    for name, source in files.items():
        (folder / name).write_text(source, encoding="utf-8")
    return forbidden_uses(folder, list(files), rules, Steps())


@pytest.mark.parametrize("text", [
    "import torch\nbn = torch.nn.BatchNorm2d(3)\n",
    "from torch import nn\nbn = nn.BatchNorm2d(3)\n",
    "from torch import nn as n\nbn = n.BatchNorm2d(3)\n",
    "import torch.nn as layers\nbn = layers.BatchNorm2d(3)\n",
    "from torch.nn import BatchNorm2d as B\nbn = B(3)\n",
    "from torch.nn import *\nbn = BatchNorm2d(3)\n",
    "import torch\nlayers = torch.nn\nbn = layers.BatchNorm2d(3)\n",
    "from torch import nn\nbn = getattr(nn, 'Batch' + 'Norm2d')(3)\n",
    "from torch import nn\nclass Mine(nn.BatchNorm2d):\n    pass\n",
    "import torch\nbn = torch.nn.modules.batchnorm.BatchNorm2d(3)\n",
    "def build():\n    from torch import nn\n    return nn.BatchNorm2d(3)\n",
    "from torch import nn\nsame = type(bn := nn.BatchNorm2d(3)) == object\n",
    "from torch import nn\nsame = type(0) == (made := nn.BatchNorm2d)\n",
    "from torch import nn\nsame = isinstance(0, type(nn.BatchNorm2d(3)))\n",
])  # fmt: skip
def test_a_forbidden_class_is_found_under_every_name(text: str, tmp_path: Path) -> None:
    (found,) = uses(tmp_path, text, NORM)
    assert not found.aside and found.file == "hw.py"
    assert text.splitlines()[found.line - 1].strip() == found.text and found.line > 1


@pytest.mark.parametrize("text", [
    "# no nn.BatchNorm2d here\nfrom torch import nn\n",
    '"""Done without nn.BatchNorm2d."""\nfrom torch import nn\nprint("nn.BatchNorm2d")\n',
    "from torch.nn import BatchNorm2d, Linear\nlast = Linear(3, 1)\n",
    "class BatchNorm2d:\n    pass\n\nbn = BatchNorm2d()\n",
    "class nn:\n    class BatchNorm2d:\n        pass\n\nbn = nn.BatchNorm2d()\n",
    "from torch import nn\nbn = nn.BatchNorm1d(3)\n",
    "from torch import nn\n\ndef count(m: nn.BatchNorm2d) -> bool:\n"
    "    return isinstance(m, nn.BatchNorm2d)\n",
    "from torch import nn\n\ndef build(nn):\n    return nn.BatchNorm2d(3)\n",
    "from torch import nn\n\ndef init(m):\n    return type(m) == nn.BatchNorm2d\n",
    "from torch import nn\n\ndef init(m):\n    return type(m) in (nn.Linear, nn.BatchNorm2d)\n",
    "from torch import nn\n\ndef init(m):\n    match m:\n        case nn.BatchNorm2d():\n"
    "            m.reset_parameters()\n",
    "def broken(:\n",
])  # fmt: skip
def test_what_is_no_use_of_it_costs_nothing(text: str, tmp_path: Path) -> None:
    assert uses(tmp_path, text, NORM) == ()


@pytest.mark.parametrize(("rule", "text"), [
    ("torch.nn.functional.batch_norm", "import torch.nn.functional as F\ny = F.batch_norm(x)\n"),
    ("torch.nn.functional.batch_norm", "import torch\ny = torch.batch_norm(x)\n"),
    ("torch.optim", "import torch\no = torch.optim.SGD([], 0.1)\n"),
    ("torch.optim", "from torch.optim import SGD\n"),
    ("torch", "import torch.nn\n"),
    ("torch", "t = __import__('torch')\n"),
    ("torch", "import importlib\nt = importlib.import_module('torch.nn')\n"),
    (".backward", "def step(loss):\n    loss.backward()\n"),
    ("sorted", "def sort(values):\n    return sorted(values)\n"),
    ("only numpy", "import numpy as np\nimport scipy.linalg\n"),
    ("only numpy", "def f():\n    from torch import nn\n"),
])
def test_modules_functions_methods_and_builtins_can_be_forbidden(
    rule: str, text: str, tmp_path: Path
) -> None:
    assert [one.rule for one in uses(tmp_path, text, rule)] == [rule]


@pytest.mark.parametrize(("rule", "text"), [
    ("torch", "import torchmetrics\n"),
    (".backward", "class Mine:\n    def backward(self):\n        pass\n"),
    ("sorted", "def sorted(values):\n    return values\n\nprint(sorted([2]))\n"),
    ("sorted", "values.sorted = True\n"),
    ("only numpy", "import math\nimport numpy.linalg\nfrom helper import f\nfrom . import helper\n"),
])
def test_what_only_looks_like_it_costs_nothing(rule: str, text: str, tmp_path: Path) -> None:
    assert uses(tmp_path, text, rule, helper="def f():\n    pass\n") == ()


@pytest.mark.parametrize("module", ["data_utils", "layers.norm", "google.colab", "IPython.display"])
def test_the_handouts_and_a_notebooks_own_modules_may_be_imported_everywhere(
    module: str, tmp_path: Path
) -> None:
    write_files(tmp_path / "given", {"data_utils.py": "", "layers/norm.py": "", "notes.txt": ""})
    allows = rubric(criterion(only=("numpy",)), handouts=tmp_path / "given")
    text = f"import numpy\nfrom {module} import something\n"
    assert uses(tmp_path, text, *all_rules(allows)) == ()
    (found,) = uses(tmp_path, text + "import notes\n", *all_rules(allows))
    assert (found.rule, found.name) == ("only numpy", "notes")


def test_a_name_that_a_neighbouring_file_hands_on_is_found(tmp_path: Path) -> None:
    found = uses(tmp_path, "from helper import layers\nbn = layers.BatchNorm2d(3)\n", NORM,
                 helper="from torch import nn as layers\n")
    assert [(one.file, one.line) for one in found] == [("hw.py", 2)]


def test_short_names_of_the_field_are_written_out() -> None:
    assert rules_of(criterion(forbidden=("nn.BatchNorm2d", "F.conv2d", "np.linalg", ".mean"))) == (
        "torch.nn.BatchNorm2d", "torch.nn.functional.conv2d", "numpy.linalg", ".mean"
    )


def criterion(forbidden: Sequence[str] = ("nn.BatchNorm2d",), only: Sequence[str] = ()) -> Criterion:
    return Criterion(id="bn", title="Batch norm", part="1", points=4, check="pytest",
                     params=Model(), forbidden=tuple(forbidden), only_modules=tuple(only))


def judged(folder: Path, text: str, verdict: Verdict, one: Criterion) -> Verdict:
    work = submission(uses=uses(folder, text, *rules_of(one)))
    return with_forbidden(verdict, one, work)


PASSED = Verdict("bn", "passed", 1.0, "3 of 3 tests pass.")
USED = "from torch import nn\n\n\nclass Mine:\n    inner = nn.BatchNorm2d(3)\n"


def test_a_use_costs_the_points_and_the_student_reads_where_it_is(tmp_path: Path) -> None:
    found = judged(tmp_path, USED, PASSED, criterion())
    assert (found.status, found.fraction) == ("failed", 0.0)
    assert "hw.py, line 5 uses torch.nn.BatchNorm2d: inner = nn.BatchNorm2d(3)." in found.reason


def test_a_comparison_with_the_right_answer_waits_for_a_person(tmp_path: Path) -> None:
    text = "from torch import nn\n\nif __name__ == '__main__':\n    print(nn.BatchNorm2d(3))\n"
    found = judged(tmp_path, text, PASSED, criterion())
    assert found.status == "needs_marking" and found.seen["would_earn"] == 1.0
    assert judged(tmp_path, text + USED, PASSED, criterion()).status == "failed"


@pytest.mark.parametrize("others", [
    {"text": "from torch import nn\n\nclass Mine(nn.Module):\n    pass\n\nprint(nn.BatchNorm2d(4))\n"},
    {"text": "from torch import nn\nimport mine\nprint(nn.BatchNorm2d(4)(mine.x))\n",
     "mine": "def build():\n    return 1\n"},
    {"text": "from torch import nn\ndef norm(x):\n    return x\nfor c in (1, 2):\n"
             "    ref = nn.BatchNorm2d(c)\n"},
])  # fmt: skip
def test_a_comparison_in_a_cell_beside_the_answer_waits_for_a_person(
    others: dict[str, str], tmp_path: Path
) -> None:
    (found,) = uses(tmp_path, others.pop("text"), NORM, **others)
    assert found.aside


def test_a_use_in_the_answer_counts_though_a_cell_compares_too(tmp_path: Path) -> None:
    text = "from torch import nn\nprint(nn.BatchNorm2d(4))\ndef norm():\n    return nn.BatchNorm2d(4)\n"
    (found,) = uses(tmp_path, text, NORM)
    assert (found.aside, found.line) == (False, 4)


def test_a_function_of_another_part_of_torch_is_another_function(tmp_path: Path) -> None:
    assert not uses(tmp_path, "import torch\ny = torch.sparse.sum(1)\n", "torch.sum")
    (found,) = uses(tmp_path, "import torch\ny = torch.sum(1)\n", "torch.sum")
    assert not found.aside


def test_a_criterion_that_forbids_something_else_keeps_its_points(tmp_path: Path) -> None:
    work = submission(uses=uses(tmp_path, USED, NORM))
    assert with_forbidden(PASSED, criterion(["nn.Conv2d"]), work) == PASSED


def test_other_modules_than_the_allowed_ones_are_told_with_these(tmp_path: Path) -> None:
    found = judged(tmp_path, "import numpy\nimport torch\n", PASSED, criterion([], ["numpy"]))
    assert "line 2 uses torch (allowed: numpy): import torch." in found.reason


def test_a_failure_of_the_grader_and_a_blank_part_stay_what_they_are(tmp_path: Path) -> None:
    for verdict in (Verdict("bn", "not_scored", 0.0, "The engine is gone."),
                    Verdict("bn", "failed", 0.0, "Not attempted.", attempted=False)):
        assert judged(tmp_path, USED, verdict, criterion()) == verdict
    failed = judged(tmp_path, USED, Verdict("bn", "failed", 0.0, "0 of 3."), criterion())
    assert failed.reason == "0 of 3." and "line 5" in failed.hints[0]
