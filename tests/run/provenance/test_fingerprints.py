"""A verdict holds while all that it depends on stays the same, and no longer."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import pytest

from grader.checks.registry import parameter_models
from grader.rubric.load import load
from grader.rubric.model import Limits, Rubric
from grader.run.provenance import fingerprints as fingerprint
from grader.run.provenance.hardware import NO_GPU, Hardware, hardware_of
from grader.sandbox.process import ProcessSandbox
from tests.factories import replace_in

ROOT = Path(__file__).parent.parent.parent.parent
HIDDEN = "hidden: {images: images.npy, labels: labels.npy}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A rubric with its reference in one file and hidden images of its own."""
    text = (ROOT / "rubric.yaml").read_text(encoding="utf-8")
    text = text.replace("reference: reference", "reference: ref.py")
    text = text.replace("hidden: {held_out: 300}", HIDDEN)
    (tmp_path / "rubric.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "handouts").mkdir()
    for name in ("ref.py", "images.npy", "labels.npy", "handouts/given.py"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    return tmp_path


def prints(folder: Path, hardware: Hardware = NO_GPU) -> dict[str, str]:
    fingerprint.of_folder.cache_clear()
    rubric: Rubric = load(folder / "rubric.yaml", parameter_models)
    return fingerprint.fingerprints(rubric, rubric.criteria, ProcessSandbox(), hardware)


def test_an_answer_depends_on_what_converts_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    def ground() -> str:
        fingerprint.of_folder.cache_clear()
        return fingerprint.ground_of(ProcessSandbox(), Limits())

    before, read = ground(), Path.read_bytes
    assert ground() == before
    for name in ("notebook.py", "ipython_syntax.py", "prepare.py"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", lambda path, changed=name: (
                read(path) + b"#" if path.name == changed else read(path)))
            assert ground() != before, name
    monkeypatch.setattr(fingerprint, "version", lambda distribution: "another")
    assert ground() != before


def change(path: Path, old: str, new: str) -> None:
    replace_in(path, old, new)
    os.utime(path, ns=(0, 0))


def test_nothing_that_changed_is_the_same_print(folder: Path) -> None:
    assert prints(folder) == prints(folder)


def test_titles_points_and_lateness_are_applied_anew(folder: Path) -> None:
    before = prints(folder)
    change(folder / "rubric.yaml", "title: \"Why weight decay", "title: \"How weight decay")
    change(folder / "rubric.yaml", "cap: 100", "cap: 90")
    assert prints(folder) == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("ref.py", "ref", "another"),
        ("handouts/given.py", "given", "corrected"),
        ("labels.npy", "labels", "corrected"),
        ("rubric.yaml", "memory_mib: 4096", "memory_mib: 8192"),
    ],
)
def test_what_every_mark_rests_on_changes_every_print(
    folder: Path, file: str, old: str, new: str
) -> None:
    before = prints(folder)
    change(folder / file, old, new)
    after = prints(folder)
    assert all(before[name] != after[name] for name in before)


def test_another_part_of_the_written_answers_changes_its_own_print_only(folder: Path) -> None:
    before = prints(folder)
    change(folder / "rubric.yaml", "answer: a", "answer: c")
    after = prints(folder)
    assert {name for name in before if before[name] != after[name]} == {"written-a"}


def test_another_threshold_changes_the_print_of_the_accuracy_only(folder: Path) -> None:
    before = prints(folder)
    change(folder / "rubric.yaml", "accuracy: 0.90", "accuracy: 0.91")
    after = prints(folder)
    assert {name for name in before if before[name] != after[name]} == {"accuracy"}


A100, H100 = "NVIDIA A100-SXM4-40GB", "NVIDIA H100 80GB HBM3"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (NO_GPU, Hardware(True)),
        (NO_GPU, Hardware(True, (A100,))),
        (Hardware(True), Hardware(True, (A100,))),
        (Hardware(True, (A100,)), Hardware(True, (H100,))),
        (Hardware(True, (A100,)), Hardware(True, (A100, H100))),
        (Hardware(True, (A100,)), Hardware(True, (f"{A100} MIG 3g.20gb",))),
        (Hardware(True, (A100,)), Hardware(True, (A100,), 0.3)),
    ],
)
def test_another_gpu_is_not_the_same(folder: Path, one: Hardware, other: Hardware) -> None:
    assert prints(folder, one) != prints(folder, other) and str(one) != ""
    assert ground(one) != ground(other)


def ground(hardware: Hardware) -> str:
    return fingerprint.ground_of(ProcessSandbox(), Limits(), hardware)


def test_how_many_gpus_of_a_model_there_are_changes_nothing() -> None:
    """One GPU each, whatever machines there are today."""
    lent = [hardware_of(OfOneModel(), gpus, None) for gpus in (("0",), ("0", "1", "2"))]
    assert lent[0] == lent[1] and ground(lent[0]) == ground(lent[1])


class OfOneModel(ProcessSandbox):
    def gpu_models(self, gpus: Collection[str]) -> tuple[str, ...]:
        return (A100,)


def test_verdicts_on_the_processor_and_on_an_unknown_gpu_stay_what_they_were(
    folder: Path,
) -> None:
    """Gradebooks from before models were told: only where a model is known, all is graded again."""
    settings = [(gpus, share) for gpus in (False, True) for share in (None, 0.3)]
    earlier = {one: fingerprint._of(*one) for one in settings}
    rubric = load(folder / "rubric.yaml", parameter_models)
    for (gpus, share), digest in earlier.items():
        now = fingerprint.ingredients(rubric, ProcessSandbox(), Hardware(gpus, (), share))
        assert now["the hardware"] == digest
        known = fingerprint.ingredients(rubric, ProcessSandbox(), Hardware(gpus, (A100,), share))
        assert known["the hardware"] != digest
