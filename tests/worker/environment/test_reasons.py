"""An error that only the grader's machine causes is told from one of the student's."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.worker.environment.reasons import lacking

OURS = {
    "import medmnist": "package medmnist is not installed here",
    "from xarray.core import dataset": "package xarray is not installed here",
    "try:\n    import wandbx_cloud\nexcept ImportError:\n    raise SystemExit(1)":
        "package wandbx_cloud is not installed here",
    "from torch.nn import QuantumLayer": "torch.nn has no QuantumLayer",
    "import numpy as np\nnp.float": "numpy",
    "raise TypeError(\"__init__() got an unexpected keyword argument 'verbose'\")": "older one",
    "input('epochs: ')": "keyboard",
    "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('data')\n"
    "parser.parse_args()": "without arguments",
    "import os, errno\nraise OSError(errno.ENOTTY, 'Inappropriate ioctl for device')": "terminal",
    "import subprocess\nsubprocess.run(['plot-of-nobody'])": "the program plot-of-nobody",
    "raise OSError('[Errno -3] Temporary failure in name resolution')": "no network",
    "import os\nos.listdir('images')": "images is not in the upload",
    "open('/home/me/hw2/labels.csv')": "/home/me/hw2/labels.csv is not in the upload",
    "open('photos/me.JPG')": "photos/me.JPG is not in the upload",
}  # fmt: skip
ON_A_GPU = (
    "import subprocess\nsubprocess.run(['nvidia-smi-of-nobody'])",
    "import torch\nassert torch.cuda.is_available()",
    "import sys, torch\nif not torch.cuda.is_available():\n    print('no')\n    sys.exit(1)",
    "import torch\nif torch.cuda.device_count() < 2:\n    raise RuntimeError('two are needed')",
    "raise AssertionError('Torch not compiled with CUDA enabled')",
    "def main():\n    if not ready():\n        exit('this needs a GPU')\ndef ready(): ...\nmain()",
    "raise RuntimeError('\"addmm_impl_cpu_\" not implemented for \\'Half\\'')",
)
THEIRS = (
    "import utils", "from models import ResNet", "import my_resnet", "import hw2_helpers",
    "import numpyy", "import matplotlb.pyplot", "from torch import nnn", "import torch.nm",
    "from torch import optmi", "from neighbour import missing", "import neighbour.part",
    "open('weights.pth')", "import torch\ntorch.load('best.pt')", "1 / 0", "undefined", "[][3]",
    "assert 1 == 2", "raise SystemExit(1)", "{}['cuda']", "import numpy as np\nnp.flaot",
    "import torch\nif not torch.cuda.is_available():\n    x = undefined",
    "x = = 1", "raise RuntimeError('mat1 and mat2 shapes cannot be multiplied')",
)  # fmt: skip


def error_of(code: str, folder: Path) -> BaseException:
    path = folder / "hw2.py"
    path.write_text(code, encoding="utf-8")
    (folder / "neighbour.py").write_text("here = 1\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(folder)
        patch.setattr("sys.argv", ["hw2.py"])
        patch.setattr("builtins.input", lambda text: end())
        patch.delitem(__import__("sys").modules, "neighbour", raising=False)
        try:
            exec(compile(code, path, "exec"), {"__name__": "__main__"})
        except BaseException as error:
            return error
    raise AssertionError("the code has no error")


def end() -> str:
    raise EOFError("EOF when reading a line")


@pytest.mark.parametrize("code", OURS)
def test_what_this_machine_lacks_is_named(code: str, tmp_path: Path) -> None:
    assert OURS[code] in lacking(error_of(code, tmp_path), tmp_path, gpu=False)


@pytest.mark.parametrize("code", ON_A_GPU)
def test_an_end_for_want_of_a_gpu_is_known_by_its_words_or_its_condition(
    code: str, tmp_path: Path
) -> None:
    assert lacking(error_of(code, tmp_path), tmp_path, gpu=False) == "there is no GPU here"


@pytest.mark.parametrize("code", ON_A_GPU)
def test_the_same_end_beside_a_gpu_is_not_for_want_of_one(code: str, tmp_path: Path) -> None:
    assert lacking(error_of(code, tmp_path), tmp_path, gpu=True) != "there is no GPU here"


@pytest.mark.parametrize("text", ["CUDA error: invalid device ordinal",
                                  "No CUDA GPUs are available"])
def test_a_second_gpu_of_the_student_s_machine_is_not_here(text: str, tmp_path: Path) -> None:
    error = error_of(f"raise RuntimeError('{text}')", tmp_path)
    assert "only number 0 is here" in lacking(error, tmp_path, gpu=True)


@pytest.mark.parametrize("code", THEIRS)
def test_an_error_that_comes_everywhere_is_the_students(code: str, tmp_path: Path) -> None:
    assert lacking(error_of(code, tmp_path), tmp_path, gpu=False) == ""


def test_the_students_own_exception_may_fail_at_its_text(tmp_path: Path) -> None:
    code = "class Mine(RuntimeError):\n    def __str__(self):\n        return 1 / 0\nraise Mine"
    assert lacking(error_of(code, tmp_path), tmp_path, gpu=False) == ""
