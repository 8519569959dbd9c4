"""A homework -> the bundle that students get, which answers for itself and hides nothing.

The reference answers the public questions once, from a seed of their own; these answers go along,
and it stays. Of the data go along the images that students see anyway.
"""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from grader.checks.registry import parameter_models
from grader.errors import UsageError
from grader.export.student_bundle.bundle import GRADING, leaks, write_bundle, write_zip
from grader.export.student_bundle.public_rubric import ANSWERS, IMAGES, public_rubric
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
    """What was written, and how many criteria and answers are in it."""

    path: Path
    criteria: int
    answers: int
    bytes: int


def release(
    rubric: Rubric, to: Path, options: RunOptions, say: Say, torch_index: str | None = None
) -> Released:
    """Write the bundle to a new folder, or to a .zip. Raises UsageError, before anything is there
    that somebody could hand out, and NoKey where the reference does not answer."""
    _must_be_new(to)
    seed = draw_seed() if options.seed is None else options.seed
    with tempfile.TemporaryDirectory(prefix="grader-release-") as name:
        folder = Path(name) / "bundle"
        images, held_out = _images(rubric)
        public = public_rubric(rubric, seed, held_out)
        write_bundle(rubric, public, folder, torch_index)
        if images is not None:
            _write_images(images, folder / GRADING / IMAGES)
        _must_hide(rubric, folder)
        answers = folder / GRADING / ANSWERS
        recording = _record(rubric, folder, seed, options, say)
        answers.write_text(recording, encoding="utf-8")
        to.parent.mkdir(parents=True, exist_ok=True)
        if to.suffix == ".zip":
            write_zip(folder, to)
        else:
            shutil.copytree(folder, to, dirs_exist_ok=True)
        size = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
        criteria = len(public.document["criteria"])
        return Released(to, criteria, len(read_recorded(answers).answers), size)


def _must_be_new(to: Path) -> None:
    if to.is_file() or (to.is_dir() and any(to.iterdir())):
        raise UsageError(f"{to} is already there; remove it, or name another place with --to")


def _record(
    rubric: Rubric, folder: Path, seed: int, options: RunOptions, say: Say
) -> str:
    """The reference's answers to what the public rubric asks, put to it as in any run."""
    path = folder / GRADING / "rubric.yaml"
    public = load(path, parameter_models).model_copy(
        update={"reference": rubric.reference, "recorded": None}
    )
    ids = [one.id for one in public.criteria]

    def told(text: str) -> None:
        if text != UNPROTECTED:   # of one's own solution nobody needs protection
            say(text)

    with workspace() as place, open_sandbox(options, place, told) as (sandbox, _):
        setup = set_up(public, ids, sandbox, place, data_cache(), seed=seed)
        return record_answers(seed, setup.reference().result())


def _images(rubric: Rubric) -> tuple[Dataset | None, int]:
    """The dataset whose public part has to go along, where it is none that everybody has, and how
    many images the public exam holds out."""
    spec = rubric.active.data
    dataset = load_dataset(spec.model_copy(update={"limit_train": None}), data_cache())
    if spec.source in ("none", "digits"):
        return None, len(dataset.hidden_labels)
    there = len(dataset.train_labels) + len(dataset.validation_labels)
    return dataset, max(1, min(len(dataset.hidden_labels), there // _LARGEST_SHARE))


def _write_images(dataset: Dataset, path: Path) -> None:
    """What a student's code may see, as one pool that is split anew; nothing of the hidden part."""
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


def _must_hide(rubric: Rubric, folder: Path) -> None:
    files = {
        one.relative_to(folder).as_posix(): one.read_bytes()
        for one in sorted(folder.rglob("*"))
        if one.is_file() and one.suffix not in (".whl", ".zip")
    }
    found = leaks(rubric, files)
    if found:
        raise UsageError(
            "nothing was written, since students would get what they must not: "
            + "; ".join(found[:5]) + ". Take it out of the starter, of the handouts or of what "
            "visible criteria name"
        )
