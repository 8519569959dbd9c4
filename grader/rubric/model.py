"""The models of a rubric: criteria, profiles, limits. Instances are read-only.

`grader.rubric.load` reads one from `rubric.yaml`. No check is known here: each check has a model of
its own parameters.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import date as Date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, Tag, model_validator

from grader.rubric.base import Model as Model
from grader.rubric.base import Share, rule
from grader.rubric.late_policy import Late

ID_PATTERN = r"^[a-z0-9][a-z0-9-]*$"
Identifier = Annotated[str, Field(pattern=ID_PATTERN)]
# A requirement without spaces, quotes and paths: it becomes words of a command.
PACKAGE_PATTERN = (
    r"^[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?([<>=!~]=?=?[A-Za-z0-9.*+!]+,?)*$"
)
Package = Annotated[str, Field(pattern=PACKAGE_PATTERN)]
# A dotted name, such as torch.nn.BatchNorm2d; `.backward` is that attribute of any object.
Name = Annotated[str, Field(pattern=r"^\.?[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]


# Visibilities, from the most to the least visible.
_SEEN = ("visible", "after_due", "hidden")


class Limits(Model):
    """Limits on one submission. Memory includes the files in the writable folder."""

    seconds: float = Field(60, gt=0, description="for one question, loading included")
    memory_mib: int = Field(4096, ge=256)
    cpus: float = Field(2, gt=0)
    pids: int = Field(512, ge=16, description="processes and threads")
    scratch_mib: int = Field(512, ge=16, description="size of the writable folder")
    output_kib: int = Field(256, ge=1, description="kept of the student's output")

    @property
    def threads(self) -> int:
        """The threads that `cpus` leaves room for: more would only wait for each other."""
        return max(1, int(self.cpus))


class Hidden(Model):
    """The source of the hidden images: a part of the data held out by seed, or two .npy files."""

    held_out: int | None = Field(None, ge=1, description="images held out of the data by seed")
    images: Path | None = Field(None, description=".npy, uint8, (N, H, W, 3)")
    labels: Path | None = Field(None, description=".npy, integers, (N,)")

    @model_validator(mode="after")
    def _one_source(self) -> Hidden:
        if (self.images is None) != (self.labels is None):
            raise ValueError("give both 'images' and 'labels', or neither")
        if self.images is not None and self.held_out is not None:
            raise ValueError("give either 'held_out' or the two files, not both")
        return self


class DataSpec(Model):
    """A dataset and its split.

    `none` is for a homework in which the grader trains nothing. `shapes` is drawn for the run: ten
    shapes in colour, 12x12. `digits` is scikit-learn's handwritten digits (1,797 images of 8x8);
    `cifar10` is torchvision's layout on disk; `imagefolder` is a folder or a zip of
    train|test/CLASS/image. `arrays` is an .npz, or a folder of .npy files: x_train, y_train, and
    perhaps x_test, y_test, classes. `loader` is a .py file whose function `load` returns a dict of
    such arrays.
    """

    source: Literal["none", "shapes", "digits", "cifar10", "imagefolder", "arrays", "loader"] = (
        "digits"
    )
    path: Path | None = Field(None, description="for every source but none, shapes and digits")
    validation: int = Field(300, ge=1, description="images of the student's test set, by seed")
    hidden: Hidden = Hidden(held_out=300)
    seed: int = Field(0, description="of the split; not a secret, unlike the labels")
    limit_train: int | None = Field(None, ge=1, description="use only so many training images")

    @model_validator(mode="after")
    def _path_where_needed(self) -> DataSpec:
        if self.source not in ("none", "shapes", "digits") and self.path is None:
            raise ValueError(f"source '{self.source}' needs a 'path'")
        if self.source == "loader" and self.path is not None and self.path.suffix != ".py":
            raise ValueError("source 'loader' needs a 'path' to a .py file")
        if self.source == "arrays" and self.path is not None and self.path.suffix == ".py":
            raise ValueError("a .py file needs the source 'loader'")
        return self


class Threshold(Model):
    """The share of the points for a top-1 accuracy at or above `accuracy`; both 0 to 1."""

    accuracy: Share
    share: Share


class StopEarly(Model):
    """Stops a training once `parts` of the hidden images prove full credit.

    `risk` is the probability that a network below the highest threshold is stopped.
    """

    parts: int = Field(4, ge=1, le=20, description="of the hidden images, each used once at most")
    risk: float = Field(0.001, gt=0, le=0.1, description="of a wrong stop, for all parts together")


class Again(Model):
    """Trains a network just below a threshold again with other seeds; the best one counts."""

    at_most: int = Field(2, ge=1, le=10, description="further trainings")
    within: float = Field(gt=0, le=0.5, description="distance below a threshold, in accuracy")


class CalibrationRuns(Model):
    """Results of one correct solution by seed: right answers on the hidden images, and seconds."""

    solution: str = Field(min_length=1)
    digest: str = Field(description="of its files")
    correct: tuple[Annotated[int, Field(ge=0)], ...]
    seconds: tuple[Annotated[float, Field(ge=0)], ...]


class Calibration(Model):
    """The evidence for a profile's thresholds, as `grader calibrate` writes it."""

    date: Date
    method: str = Field(description="how thresholds follow from the runs; docs/calibration.md")
    risk: float = Field(gt=0, lt=0.5, description="that a correct solution fails by chance")
    confidence: float = Field(gt=0.5, lt=1, description="of the bounds")
    found: str = Field("", description="the result in words")
    epochs: int = Field(ge=1)
    hidden: int = Field(ge=1, description="hidden images")
    data: str = Field(description="the profile's data set and split, in words")
    hardware: Mapping[str, str | int]
    versions: Mapping[str, str]
    seeds: tuple[int, ...] = Field(min_length=2)
    runs: tuple[CalibrationRuns, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _a_run_for_each_seed(self) -> Calibration:
        for index, one in enumerate(self.runs):
            for name in ("correct", "seconds"):
                if len(getattr(one, name)) != len(self.seeds):
                    found = len(getattr(one, name))
                    text = f"expected {len(self.seeds)} values, one per seed, found {found}"
                    raise rule(text, "runs", index, name)
            if max(one.correct) > self.hidden:
                raise rule(f"more than the {self.hidden} hidden images", "runs", index, "correct")
        return self


class Profile(Model):
    """Data, training budget and thresholds, which belong together."""

    data: DataSpec = DataSpec()
    epochs: int = Field(ge=1)
    seconds: float = Field(gt=0, description="of training, checked at each step")
    thresholds: tuple[Threshold, ...] = Field(min_length=1)
    stop_early: StopEarly | None = Field(None, description="once full credit is certain")
    again: Again | None = Field(None, description="near a threshold")
    calibration: Calibration | None = Field(None, description="evidence for thresholds")

    @model_validator(mode="after")
    def _descending(self) -> Profile:
        accuracies = [threshold.accuracy for threshold in self.thresholds]
        shares = [threshold.share for threshold in self.thresholds]
        if accuracies != sorted(set(accuracies), reverse=True) or shares != sorted(
            set(shares), reverse=True
        ):
            text = "order them from the highest accuracy and share to the lowest"
            raise rule(text, "thresholds")
        return self


# The profile of a rubric without profiles, whose checks train nothing.
UNTRAINED = Profile(
    data=DataSpec(source="none"), epochs=1, seconds=1, thresholds=(Threshold(accuracy=1, share=1),)
)


class Option(Model):
    """A choice for the person who marks: points to add or, below zero, to take off."""

    points: float = Field(multiple_of=0.25)
    text: str = Field(min_length=1, description="shown to the student")


# One file or folder, or several.
Files = Annotated[
    tuple[Path, ...],
    BeforeValidator(
        lambda value: [value] if isinstance(value, str) else value,
        json_schema_input_type=Path | tuple[Path, ...],
    ),
]


class Criterion(Model):
    """One criterion of a homework. Students read its `title`."""

    id: Identifier
    title: str = Field(min_length=1)
    part: str = Field(min_length=1, description="part of the homework, such as '1(e)'")
    points: float = Field(gt=0)
    check: str
    params: BaseModel
    visibility: Literal["visible", "after_due", "hidden"] = "visible"
    depends_on: tuple[Identifier, ...] = ()
    options: tuple[Option, ...] = Field((), description="for the person who marks it")
    question: str = Field("", description="its text in Markdown, for the person who marks it")
    model_answer: str = Field("", description="in Markdown, for the person who marks it")
    data: Files = Field((), description="files and folders that your tests or checks read")
    public: tuple[str, ...] = Field((), description="files that students get, by key or name")
    secret: tuple[str, ...] = Field((), description="files that students never get")
    seconds: float | None = Field(
        None, gt=0, description="for one question of this criterion, in place of 'limits'"
    )
    forbidden: tuple[Name, ...] = Field(
        (), description="modules, functions and classes that the code must not use"
    )
    only_modules: tuple[Name, ...] = Field(
        (), description="the only modules that the code may import beside Python's own"
    )

    def limits_of(self, limits: Limits) -> Limits:
        """Return the rubric's limits with the seconds of this criterion."""
        return limits if self.seconds is None else limits.model_copy(
            update={"seconds": self.seconds}
        )

    @property
    def files(self) -> Mapping[str, Path]:
        """The files that its check names, by key."""
        return {key: value for key, value in self.params if isinstance(value, Path)}

    @model_validator(mode="after")
    def _full_points_can_be_had(self) -> Criterion:
        awards = [option.points for option in self.options if option.points > 0]
        if awards and sum(awards) < self.points:
            text = f"they add up to {sum(awards):g} points; the criterion has {self.points:g}"
            raise rule(text, "options")
        return self


# A CSV file; `load` replaces it by the students of each group.
Groups = Annotated[
    Annotated[Path, Tag("file")] | Annotated[Mapping[str, tuple[str, ...]], Tag("table")],
    Discriminator(lambda value: "table" if isinstance(value, Mapping) else "file"),
]


class Cluster(Model):
    """The machines that `grader run` uses; its options of the same names come first."""

    on: str = Field("local", min_length=1, description="local, ray, ray://HEAD:PORT, or slurm")
    gpu_type: str | None = Field(None, description="use GPUs of this model only")
    mixed_gpus: bool = Field(False, description="GPUs of different models may grade one class")
    engine_args: str = Field(
        "", description="for Ray: labels of nodes, NAME=VALUE; for Slurm: options of srun"
    )


class Rubric(Model):
    """A homework: its criteria, their points, and the conditions of grading."""

    title: str
    reference: Path = Path("reference")
    recorded: Path | None = Field(None, description="its answers, by `grader release`")
    handouts: Path | None = Field(None, description="folder of files that students were given")
    imports: tuple[str, ...] = Field((), description="modules that students may use as well")
    checks: Path | tuple[Path, ...] = Field((), description="Python files with your own checks")
    packages: tuple[Package, ...] = Field((), description="installed beside torch, as for pip")
    starter: Path | None = Field(None, description="folder that students start from")
    validation: Path | None = Field(None, description="folder: cases.yaml, mutants, variants")
    total: float = Field(gt=0, description="sum of the criteria's points")
    cap: float = Field(gt=0, description="highest score that counts")
    rounding: float | None = Field(
        None, gt=0, description="scores are rounded to a multiple of this; a half is rounded up"
    )
    profile: str = "quick"
    profiles: Mapping[str, Profile] = Field({}, description="needed where a check trains")
    limits: Limits = Limits()
    cluster: Cluster = Field(Cluster(), description="machines that `grader run` uses")
    late: Late | None = None
    attempts: Literal["last", "best"] = Field("last", description="which attempt counts")
    groups: Groups = Field({}, description="CSV: group, student; members share their submissions")
    criteria: tuple[Criterion, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> Rubric:
        points = sum(criterion.points for criterion in self.criteria)
        if abs(points - self.total) > 1e-9:
            text = f"the criteria add up to {points:g} points, 'total' is {self.total:g}"
            raise rule(text, "total")
        if self.profiles and self.profile not in self.profiles:
            guess = did_you_mean(self.profile, sorted(self.profiles))
            raise rule(f"there is no profile '{self.profile}'{guess}", "profile")
        before: dict[str, Criterion] = {}
        for index, criterion in enumerate(self.criteria):
            if criterion.id in before:
                raise rule(f"two criteria have the id '{criterion.id}'", "criteria", index, "id")
            for number, other in enumerate(criterion.depends_on):
                place = ("criteria", index, "depends_on", number)
                if other not in before:
                    guess = did_you_mean(other, list(before))
                    raise rule(f"no criterion '{other}' stands before this one{guess}", *place)
                seen = before[other].visibility
                if _SEEN.index(seen) > _SEEN.index(criterion.visibility):
                    text = (
                        f"'{criterion.id}' is {criterion.visibility} but '{other}' is {seen}: its "
                        "points would reveal those of the other"
                    )
                    raise rule(text, *place)
            before[criterion.id] = criterion
        return self

    @property
    def maximum(self) -> float:
        """The most points that can be earned."""
        return min(self.cap, self.total)

    @property
    def active(self) -> Profile:
        """The profile in use."""
        return self.profiles.get(self.profile, UNTRAINED)

    @property
    def own_files(self) -> tuple[Path, ...]:
        """The instructor's files with checks."""
        return (self.checks,) if isinstance(self.checks, Path) else self.checks

    @property
    def teams(self) -> Mapping[str, tuple[str, ...]]:
        """The students of each group; empty until `load` has read their file."""
        return {} if isinstance(self.groups, Path) else self.groups


def did_you_mean(word: str, names: list[str]) -> str:
    """The end of an error about an unknown word: the closest name, and all names."""
    close = difflib.get_close_matches(word, names, n=1)
    guess = f"; did you mean '{close[0]}'?" if close else ""
    return f"{guess} (allowed: {', '.join(names) or 'none'})"
