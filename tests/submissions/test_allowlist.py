"""Code outside the allowlist gets a remark with its line; homework in any style gets none."""

from __future__ import annotations

import pickle
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from grader.checks.check import with_doubt
from grader.checks.registry import CHECKS, parameter_models
from grader.checks.training_run import TRAIN, oddities
from grader.records import Evidence, Outcome, Question, Submission, Verdict
from grader.rubric.load import load
from grader.rubric.model import Rubric
from grader.submissions.allowlist import Remark, imports_of, remarks, review
from grader.submissions.discover import hand_in
from grader.submissions.notebook import read_notebook
from grader.submissions.prepare import prepare_trusted as prepare
from grader.validation.corpus import lay_out, load_corpus
from tests.hostile.disguises import CODE, OTHERS

ROOT = Path(__file__).parent.parent.parent
HONEST = sorted((Path(__file__).parent / "honest").iterdir())
SAMPLES = [path for path in (ROOT / "submissions").iterdir() if path.suffix != ".yaml"]
OURS = [
    ROOT / "starter", *sorted((ROOT / "validation" / "variants").iterdir()),
    *ROOT.glob("examples/*/reference"), *ROOT.glob("examples/*/starter"),
    *ROOT.glob("examples/*/submissions/*"),
]  # fmt: skip


def of_code(code: str | bytes, **others: bytes) -> tuple[Remark, ...]:
    data = code.encode() if isinstance(code, str) else code
    return review([("hw2.py", data), *others.items()])


@pytest.fixture(scope="module")
def rubric() -> Rubric:
    return load(ROOT / "rubric.yaml", parameter_models)


def _code_in(case: Path) -> Iterator[tuple[Path, str]]:
    for path in case.rglob("*") if case.is_dir() else [case]:
        if path.suffix in (".py", ".ipynb"):
            text = path.read_text(encoding="utf-8")
            yield path, text if path.suffix == ".py" else read_notebook(text).source


@pytest.mark.parametrize("path", HONEST, ids=lambda path: path.stem)
def test_an_honest_script_gets_no_remark(path: Path) -> None:
    assert review([(path.name, path.read_bytes())]) == ()


def test_the_honest_scripts_are_many_and_no_two_are_alike() -> None:
    assert len(HONEST) >= 60
    assert len({path.read_bytes() for path in HONEST}) == len(HONEST)


def test_no_sample_example_variant_or_mutant_gets_a_remark(
    rubric: Rubric, tmp_path: Path
) -> None:
    assert rubric.validation is not None
    ids = [one.id for one in rubric.criteria]
    corpus = load_corpus(rubric.validation, rubric.reference, ids)
    cases = [lay_out(corpus, case, tmp_path / "cases") for case in corpus.all()]
    # Most mutants are the reference but for one file: equal files are read once.
    code = {text: path for case in cases for path, text in _code_in(case)}
    files = [(f"{number}/{path.stem}.py", text) for number, (text, path) in enumerate(code.items())]
    found = review(((name, text.encode()) for name, text in files), imports_of(rubric))
    for path in (*SAMPLES, *OURS):
        prepared = prepare(hand_in(path), tmp_path, imports=imports_of(rubric))
        assert prepared.remarks == (), path
    assert found == ()


@pytest.mark.parametrize("name", CODE)
def test_a_disguise_gets_a_remark(name: str) -> None:
    assert of_code(CODE[name]), CODE[name][:200]


@pytest.mark.parametrize("name", OTHERS)
def test_a_disguise_in_several_files_gets_a_remark(name: str) -> None:
    assert review(OTHERS[name].items())


def test_a_remark_names_file_line_and_what_is_done_there() -> None:
    (remark,) = of_code("import sys\n\nprint(sys.modules)\n")
    assert str(remark) == "hw2.py:3 reaches into sys.modules"
    assert remark.reaches


@pytest.mark.parametrize(
    "code",
    [
        "from sys import modules",
        "import gc\ngc.get_objects()",
        "exec(open('notes.txt').read())",
        "from grader.worker import networks",
    ],
)
def test_what_could_ask_the_grader_reaches(code: str) -> None:
    assert of_code(code)[0].reaches


@pytest.mark.parametrize(
    "code", ["import stealth", "import torch\ntorch.optim.SGD.step = print", "x._secret"]
)
def test_what_stays_with_torch_does_not_reach(code: str) -> None:
    assert [one.reaches for one in of_code(code)] == [False]


# Honest neighbours of the disguises


@pytest.mark.parametrize(
    "code",
    [
        "import gc\ngc.collect()",
        "import inspect\ninspect.signature(print)",
        "import sys\nON = 'google.colab' in sys.modules",
        "import torch\ntorch.load('a.pt', weights_only=True)\ntorch.load('b.pt')",
        "import torch\ntorch.save(1, 'a.pt')\ntorch.load('a.pt', weights_only=False)",
        "import torch\ntorch.backends.cudnn.benchmark = True",
        "model.layer4[0].relu = x\nmodel.fc.weight.data = y\np.requires_grad = False",
        "def eval(model): ...\n\ndef main(m):\n    return eval(m)",
        "for i in range(4):\n    getattr(model, f'layer{i}')",
        "for n, c in model.named_children():\n    setattr(model, n, c)",
        "print('the grader. asks', '__init__')\n'''See gc.get_objects() and __closure__.'''",
        "open('log.txt', 'w').write('x')\nopen('a.bin', 'rb').read()",
        "import os\nos.popen('stty size').read()\nos.system('nvidia-smi')",
    ],
)
def test_an_honest_neighbour_gets_no_remark(code: str) -> None:
    assert of_code(code) == ()


def test_a_module_of_the_submission_or_the_rubric_may_be_imported() -> None:
    code = b"import nets\nfrom models.resnet import build\nimport albatross"
    others = {"nets.py": b"", "models/resnet.py": b""}
    assert [str(one) for one in review([("hw2.py", code), *others.items()])] == [
        "hw2.py:3 uses albatross, which is not among the usual modules"
    ]
    assert review([("hw2.py", code), *others.items()], ["albatross"]) == ()


def test_packages_of_the_rubric_may_be_imported(rubric: Rubric) -> None:
    changed = rubric.model_copy(update={"packages": ("sound-file>=1",), "imports": ("mine",)})
    assert set(imports_of(changed)) >= {"sound_file", "mine", "allcnn"}


def test_a_notebook_is_read_as_the_code_that_runs(tmp_path: Path) -> None:
    magics = "%matplotlib inline\\n!nvidia-smi\\n%load_ext autoreload\\n"
    for cell, count in ((magics + "import torch", 0), (magics + "import gc\\ngc.get_objects()", 1)):
        text = (
            '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code",'
            f' "source": "{cell}", "outputs": [], "metadata": {{}}, "execution_count": 1}}]}}'
        )
        found = of_code(read_notebook(text).source)
        assert bool(found) == bool(count)


def test_cifar_by_hand_is_spared_while_the_upload_holds_the_same_data() -> None:
    reader = (Path(__file__).parent / "honest" / "cifar_pickles_by_hand.py").read_bytes()
    batch = pickle.dumps({b"data": np.zeros((2, 3), dtype="uint8"), b"labels": [1, 2]}, protocol=2)
    assert review([("hw2.py", reader), ("data_batch_1", batch)]) == ()
    assert review([("hw2.py", reader), ("data_batch_1", pickle.dumps(print, protocol=2))])


# What cannot be read


def test_code_that_is_too_large_or_too_deep_is_left_to_a_person() -> None:
    assert "too large" in str(of_code(b"x = 1\n" * 400_000)[0])
    assert "cannot be read" in str(of_code("x = " + "-" * 100_000 + "1")[0])
    assert "cannot be read" in str(of_code("x" + ".a" * 100_000)[0])
    assert "too much code" in str(
        review((f"{n}.py", b"# a comment\n" * 100_000) for n in range(4))[0]
    )


def test_python_that_this_version_cannot_read_is_searched_for_words() -> None:
    newer = 'print(f"{d["a"]}")\n'
    if of_code(newer + "import gc\ngc.get_objects()\n"):
        assert of_code("x = = 1\n") == ()
    assert of_code(newer) == ()
    assert of_code("x = = 1\ngc.\uff47et_objects()\n")
    assert of_code("x = = 1\nexec(a)\n")


_LONG = {
    "attributes": "x.a.b.c.d\n",
    "assignments": "x = f()\nx.y = 2\n",
    "names made at run time": "getattr(o, k)\n",
    "texts": "d = {'k': 'a'}\ngetattr(o, d['k'])\n",
    "code in texts": "exec('x = 1')\n",
    "aliases": "import torch\nt = torch\nt.x\n",
    "loops": "for a, b in zip(x, y): getattr(a, b)\n",
}


@pytest.mark.parametrize("kind", _LONG)
def test_the_time_grows_with_the_length_of_the_code(kind: str) -> None:
    def seconds(times: int) -> float:
        began = time.process_time()
        of_code(_LONG[kind] * times)
        return time.process_time() - began

    assert seconds(1600) < 8 * seconds(400) + 0.5


# What a remark means for a mark


def _submission(*found: str, reaching: tuple[str, ...] = ()) -> Submission:
    here = Path()
    return Submission("ada", here, here, ("hw2.py",), "digest", remarks=found, reaching=reaching)


def test_a_remark_sends_what_only_the_process_can_tell_to_a_person() -> None:
    odd, plain = _submission("hw2.py:1 replaces torch.optim.SGD.step"), _submission()
    passed, failed = Verdict("x", "passed", 1.0, "Right."), Verdict("x", "failed", 0.0, "Wrong.")
    for name in ("mode_switch", "optimizer_groups"):
        assert with_doubt(passed, plain, CHECKS[name]) == passed
        assert with_doubt(failed, odd, CHECKS[name]) == failed
        doubted = with_doubt(passed, odd, CHECKS[name])
        assert (doubted.status, doubted.fraction) == ("needs_marking", 0.0)
        assert doubted.seen["would_earn"] == 1.0
        assert "hw2.py:1 replaces" in doubted.reason
    for name in ("layer_counts", "param_groups", "accuracy", "written"):
        assert with_doubt(passed, odd, CHECKS[name]) == passed


def test_an_odd_record_of_a_training_sends_what_rests_on_it_to_a_person() -> None:
    asked = Question(TRAIN, "train", {}, TRAIN, 60.0)
    odd, plain, none = (
        oddities(Evidence(asked, Outcome(kind, "student"), value))
        for kind, value in (
            ("answered", {"tampered": True}), ("answered", {}), ("not_found", None)
        )
    )  # fmt: skip
    assert odd and not plain and not none
    passed = Verdict("x", "passed", 1.0, "Right.")
    for name, status in (("mode_switch", "needs_marking"), ("layer_counts", "passed")):
        assert with_doubt(passed, _submission(), CHECKS[name], odd).status == status
        assert with_doubt(passed, _submission(), CHECKS[name], plain) == passed


def test_code_that_could_reach_the_grader_sends_all_automatic_criteria_to_a_person() -> None:
    line = "hw2.py:3 reaches into sys.modules"
    odd = _submission(line, reaching=(line,))
    passed = Verdict("x", "partial", 0.5, "Half.")
    waits = {
        name for name, check in CHECKS.items()
        if with_doubt(passed, odd, check).status == "needs_marking"
    }
    assert waits == {
        "mode_switch", "optimizer_groups", "layer_counts", "param_groups", "accuracy"
    }  # fmt: skip


def test_remarks_are_few_and_those_that_reach_come_first(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"f{number}.py").write_text("import stealth\n")
    (tmp_path / "z.py").write_text("import gc\ngc.get_objects()\n")
    found = remarks(tmp_path, sorted(path.name for path in tmp_path.iterdir()))
    assert len(found) == 10
    assert found[0].file == "z.py"


def _figures() -> Iterator[tuple[int, int]]:
    text = (ROOT / "docs" / "validity.md").read_text(encoding="utf-8")
    yield from ((int(a), int(b)) for a, b in re.findall(r"(\d+) of (\d+) (?:scripts|disg)", text))


def test_the_documents_tell_the_rates() -> None:
    assert list(_figures()) == [(0, len(HONEST)), (len(CODE) + len(OTHERS),) * 2]
