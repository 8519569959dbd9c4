"""A run says in words what has changed since the last one, as `grader diff` does."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grader.checks.registry import parameter_models
from grader.grading.gradebook_file import open_gradebook
from grader.grading.history import open_history
from grader.records import Conditions
from grader.rubric.load import load
from grader.run.cache.file import open_cache
from grader.run.grade_class import Class, Unwatched, grade_class
from grader.run.options import RunOptions
from grader.run.provenance.changes import changes
from grader.sandbox.base import Sandbox
from tests.factories import ROOT
from tests.support.scripted import ScriptedSandbox

A100, H100 = ("NVIDIA A100-SXM4-40GB",), ("NVIDIA H100 80GB HBM3",)
GPU = ("0",)


@dataclasses.dataclass
class Machine(ScriptedSandbox):
    """A sandbox of some image, on a machine with some GPU."""

    version: str = "image 0f1e2d3c4b5a"
    models: tuple[str, ...] = A100

    def gpu_models(self, gpus: Collection[str]) -> tuple[str, ...]:
        return self.models


class Listener(Unwatched):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def say(self, text: str) -> None:
        self.heard.append(text)


def run(
    out: Path, sandbox: Sandbox, gpus: tuple[str, ...] = (), fresh: bool = False
) -> list[str]:
    """Grade a class of nobody; return what was said."""

    @contextmanager
    def opener(*opened: object) -> Iterator[tuple[Sandbox, tuple[str, ...]]]:
        yield sandbox, gpus

    rubric, listener = load(ROOT / "rubric.yaml", parameter_models), Listener()
    with open_gradebook(out, print) as book, open_cache(out) as cache:
        nobody = Class(rubric, (), (), out)
        options = RunOptions(fresh=fresh, jobs=1)
        grade_class(nobody, options, book, cache, listener, opener=opener)
    return listener.heard


@pytest.mark.parametrize(
    ("later", "gpus", "told"),
    [
        (Machine(version="image 999999999999"), GPU,
         "the sandbox changed from scripted, image 0f1e2d3c4b5a to scripted, image 999999999999"),
        (Machine(models=H100), GPU, f"the hardware changed from {A100[0]} to {H100[0]}"),
        (Machine(models=A100 + H100), GPU,
         f"the hardware changed from {A100[0]} to {A100[0]}, {H100[0]}"),
        (Machine(models=()), GPU,
         f"the hardware changed from {A100[0]} to a GPU of unknown model"),
        (Machine(), (), f"the hardware changed from {A100[0]} to no GPU"),
    ],
)
def test_another_image_or_gpu_is_told_with_both_names(
    later: Machine, gpus: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    assert run(tmp_path, Machine(), GPU) == [], "there was no run before"
    (line,) = run(tmp_path, later, gpus)
    assert line.startswith(f"Since the last run {told}. ")
    assert run(tmp_path, later, gpus) == [], "nothing has changed again"
    with open_history(tmp_path) as history:
        first, second, _ = (one.conditions for one in history.runs().values())
    assert first is not None and second is not None and changes(first, second) == [told]


def test_a_run_that_forgets_all_earlier_ones_compares_itself_with_none(tmp_path: Path) -> None:
    run(tmp_path, Machine(), GPU)
    assert run(tmp_path, Machine(models=H100), GPU, fresh=True) == []


def test_a_gradebook_from_before_models_were_told_is_read(tmp_path: Path) -> None:
    """The digest is another one, so all is graded again; what it was is not made up."""
    run(tmp_path, Machine(models=()), GPU)
    with open_gradebook(tmp_path, print) as book:
        book.begin({}, seed=None, drawn=1)
        before = book.conditions_before()
        assert before is not None
        versions = {key: one for key, one in before.versions.items() if key != "hardware"}
        book.keep_conditions(dataclasses.replace(before, versions=versions))
    (line,) = run(tmp_path, Machine(), GPU)
    assert line.startswith("Since the last run the hardware changed. ")


def test_no_change_is_told_of_a_run_that_kept_no_conditions(tmp_path: Path) -> None:
    with open_gradebook(tmp_path, print) as book:
        book.begin({}, seed=None, drawn=1)
        found: Conditions | None = book.conditions_before()
    assert found is None and run(tmp_path, Machine(), GPU) == []
