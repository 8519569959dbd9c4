"""Makes the bundle that students get, with recorded answers in place of the reference solution.

The reference solution answers the public questions once, with a seed of their own. The bundle holds
these answers, and only images that students may see.
"""

from __future__ import annotations

import dataclasses
import io
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from grader.checks.registry import parameter_models
from grader.errors import UsageError
from grader.export.places import must_be_new
from grader.export.student_bundle.bundle import GRADING, leaks, write_bundle, write_zip
from grader.export.student_bundle.public_rubric import (
    ANSWERS,
    ARRAYS,
    IMAGES,
    public_rubric,
    visible,
)
from grader.export.student_bundle.trial import try_bundle
from grader.rubric.load import load
from grader.rubric.model import Rubric
from grader.run.context import draw_seed
from grader.run.data.datasets import Dataset, load_dataset
from grader.run.open import UNPROTECTED, Say, data_cache, open_sandbox
from grader.run.options import RunOptions
from grader.run.recorded_answers import read_recorded, record_answers
from grader.run.setup import set_up
from grader.run.workspace import workspace

_LARGEST_SHARE = 5   # of a class's own images at most one in so many is held out at home


@dataclass(frozen=True)
class Released:
    """The path that was written, and what is in it.

    Attributes:
        criteria, answers, bytes: their numbers.
        files: files of the instructor's checks and tests, as they are called in it.
        left_out: ids of visible criteria that cannot be checked at home.
    """

    path: Path
    criteria: int
    answers: int
    bytes: int
    files: tuple[str, ...]
    left_out: tuple[str, ...]


def release(
    rubric: Rubric, to: Path, options: RunOptions, say: Say, torch_index: str | None = None,
    trial: bool = True,
) -> Released:
    """Write the bundle.

    Args:
        rubric: the instructor's rubric, with the profile that is active.
        to: a new folder, or a .zip that does not exist.
        options: seed and sandbox for the reference solution's run.
        say: is called with messages for the instructor.
        torch_index: an extra index for pip; None stands for PyPI only.
        trial: install a copy, and check starter and reference in it, before `to` is written.

    Raises UsageError, or NoKey if the reference solution does not answer; `to` is then not written.
    """
    must_be_new(to)
    seed = draw_seed() if options.seed is None else options.seed
    with tempfile.TemporaryDirectory(prefix="grader-release-") as name:
        folder = Path(name) / "bundle"
        images, held_out = _images(rubric)
        public = public_rubric(rubric, seed, held_out)
        write_bundle(rubric, public, folder, torch_index)
        if images is not None and rubric.active.data.source in ("arrays", "loader"):
            _write_arrays(images, folder / GRADING / ARRAYS)
        elif images is not None:
            _write_images(images, folder / GRADING / IMAGES)
        _must_hide(rubric, folder)
        answers = folder / GRADING / ANSWERS
        recording = _record(rubric, folder, seed, options, say)
        answers.write_text(recording, encoding="utf-8")
        if trial:
            copy = shutil.copytree(folder, Path(name) / "trial" / "bundle")
            try_bundle(copy, rubric, say)
        to.parent.mkdir(parents=True, exist_ok=True)
        if to.suffix == ".zip":
            write_zip(folder, to)
        else:
            shutil.copytree(folder, to, dirs_exist_ok=True)
        size = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
        ids = [one["id"] for one in public.document["criteria"]]
        left_out = tuple(one.id for one in visible(rubric) if one.id not in ids)
        files = tuple(sorted([*public.texts, *public.files]))
        recorded = len(read_recorded(answers).answers)
        return Released(to, len(ids), recorded, size, files, left_out)


def _record(
    rubric: Rubric, folder: Path, seed: int, options: RunOptions, say: Say
) -> str:
    """Return the reference solution's answers to the public rubric's questions, as JSON."""
    path = folder / GRADING / "rubric.yaml"
    public = load(path, parameter_models).model_copy(
        update={"reference": rubric.reference, "recorded": None}
    )
    ids = [one.id for one in public.criteria]

    def warn(text: str) -> None:
        if text != UNPROTECTED:   # the instructor's own solution needs no sandbox
            say(text)

    options = dataclasses.replace(options, packages=public.packages)
    with workspace() as place, open_sandbox(options, place, warn) as (sandbox, _):
        setup = set_up(public, ids, sandbox, place, data_cache(), seed=seed)
        return record_answers(seed, setup.reference)


def _images(rubric: Rubric) -> tuple[Dataset | None, int]:
    """Return the dataset to publish images of, and how many images the public split holds out.

    The dataset is None if everybody has it already.
    """
    spec = rubric.active.data
    dataset = load_dataset(spec.model_copy(update={"limit_train": None}), data_cache())
    if spec.source in ("none", "shapes", "digits"):
        return None, len(dataset.hidden_labels)
    there = len(dataset.train_labels) + len(dataset.validation_labels)
    return dataset, max(1, min(len(dataset.hidden_labels), there // _LARGEST_SHARE))


def _write_images(dataset: Dataset, path: Path) -> None:
    """Write the training and validation images as one pool; hidden images are not in it."""
    parts = (
        ("train", dataset.train_images, dataset.train_labels),
        ("validation", dataset.validation_images, dataset.validation_labels),
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:   # PNG is packed already
        for name, images, labels in parts:
            for number, (image, label) in enumerate(zip(images, labels, strict=True)):
                packed = io.BytesIO()
                Image.fromarray(image).save(packed, "PNG")
                inside = f"train/{dataset.classes[label]}/{name}-{number:06}.png"
                archive.writestr(inside, packed.getvalue())


def _write_arrays(dataset: Dataset, path: Path) -> None:
    """Write the training and validation parts as one pool; nothing hidden is in it."""
    np.savez_compressed(
        path,
        x_train=np.concatenate([dataset.train_images, dataset.validation_images]),
        y_train=np.concatenate([dataset.train_labels, dataset.validation_labels]),
        classes=np.array(dataset.classes, dtype=np.str_),
    )


def _must_hide(rubric: Rubric, folder: Path) -> None:
    files = {
        one.relative_to(folder).as_posix(): one.read_bytes()
        for one in sorted(folder.rglob("*"))
        if one.is_file() and one.suffix not in (".whl", ".zip")
    }
    found = leaks(rubric, files)
    if found:
        raise UsageError(
            "nothing was written, because the bundle would show students hidden material: "
            + "; ".join(found[:5]) + ". Remove it from the starter, the handouts or the files that "
            "visible criteria name"
        )
