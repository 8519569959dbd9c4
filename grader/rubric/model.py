"""What a rubric is: criteria and what they are worth under which conditions. Read-only models.

`rubric_file.py` reads one from `rubric.yaml`. A rubric knows no check: each check brings a model of
its own parameters.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import date as Date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Discriminator, Field, Tag, model_validator

from grader.rubric.base import Model as Model
from grader.rubric.base import Share, rule
from grader.rubric.late_policy import Late

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]


# Who sees a criterion, from everybody to nobody.
_SEEN = ("visible", "after_due", "hidden")


class Limits(Model):
    """What one submission may use. Memory counts files in the scratch space as well."""

    seconds: float = Field(60, gt=0, description="for one question, loading the file included")
    memory_mib: int = Field(4096, ge=256)
    cpus: float = Field(2, gt=0)
    pids: int = Field(512, ge=16, description="processes and threads")
    scratch_mib: int = Field(512, ge=16, description="size of the writable folder")
    output_kib: int = Field(256, ge=1, description="kept of what the student's code prints")


class Hidden(Model):
    """Where the hidden images come from: a part held out by seed, or two .npy files."""

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
    """A dataset and how it is split.

    `none` is for a homework whose checks ask for no training of the grader's. `digits` is the
    handwritten digits that scikit-learn ships (1,797 images of 8x8); `cifar10` is torchvision's
    layout on disk; `imagefolder` is a folder or a zip of train|test/CLASS/image.
    """

    source: Literal["none", "digits", "cifar10", "imagefolder"] = "digits"
    path: Path | None = Field(None, description="folder or zip; not for digits")
    validation: int = Field(300, ge=1, description="images of the student's test set, by seed")
    hidden: Hidden = Hidden(held_out=300)
    seed: int = Field(0, description="of the split; not a secret, the labels are")
    limit_train: int | None = Field(None, ge=1, description="use only so many training images")

    @model_validator(mode="after")
    def _path_where_needed(self) -> DataSpec:
        if self.source in ("cifar10", "imagefolder") and self.path is None:
            raise ValueError(f"source '{self.source}' needs a 'path'")
        return self


class Threshold(Model):
    """From this top-1 accuracy on, this share of the points."""

    accuracy: Share
    share: Share


class StopEarly(Model):
    """A training may be ended once it is sure of full credit, by `parts` of the hidden images that
    its network predicts on the way. `risk` is the chance that a network is stopped which is in
    truth below the highest threshold."""

    parts: int = Field(4, ge=1, le=20, description="of the hidden images, each asked once at most")
    risk: float = Field(0.001, gt=0, le=0.1, description="of a wrong stop, all parts together")


class Again(Model):
    """A network that is below a threshold by no more than chance is trained again with other seeds,
    and the best one counts."""

    at_most: int = Field(2, ge=1, le=10, description="further trainings")
    within: float = Field(gt=0, le=0.5, description="so much below a threshold is near it")


class CalibrationRuns(Model):
    """What one right solution came to: by seed, right answers on the hidden images and seconds."""

    solution: str = Field(min_length=1)
    digest: str = Field(description="of its files: another solution has other runs")
    correct: tuple[Annotated[int, Field(ge=0)], ...]
    seconds: tuple[Annotated[float, Field(ge=0)], ...]


class Calibration(Model):
    """The evidence for a profile's thresholds: `grader calibrate` writes it, nobody by hand."""

    date: Date
    method: str = Field(description="how thresholds follow from the runs; docs/calibration.md")
    risk: float = Field(gt=0, lt=0.5, description="that a right solution may fail by chance")
    confidence: float = Field(gt=0.5, lt=1, description="that it is no more than that")
    found: str = Field("", description="what came out, in words")
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
                    text = f"there are {len(self.seeds)} seeds and {len(getattr(one, name))} of it"
                    raise rule(text, "runs", index, name)
            if max(one.correct) > self.hidden:
                raise rule(f"more than the {self.hidden} hidden images", "runs", index, "correct")
        return self


class Profile(Model):
    """Data, budget and thresholds that belong together: an accuracy means nothing without them."""

    data: DataSpec = DataSpec()
    epochs: int = Field(ge=1)
    seconds: float = Field(gt=0, description="of training, observed at each step")
    thresholds: tuple[Threshold, ...] = Field(min_length=1)
    stop_early: StopEarly | None = Field(None, description="when full credit is sure; else never")
    again: Again | None = Field(None, description="near a threshold; else one training counts")
    calibration: Calibration | None = Field(None, description="what the thresholds rest on")

    @model_validator(mode="after")
    def _descending(self) -> Profile:
        accuracies = [threshold.accuracy for threshold in self.thresholds]
        shares = [threshold.share for threshold in self.thresholds]
        if accuracies != sorted(set(accuracies), reverse=True) or shares != sorted(
            set(shares), reverse=True
        ):
            text = "they go from the highest accuracy and share to the lowest"
            raise rule(text, "thresholds")
        return self


# Of a rubric without profiles: its checks ask for no training of the grader's.
UNTRAINED = Profile(
    data=DataSpec(source="none"), epochs=1, seconds=1, thresholds=(Threshold(accuracy=1, share=1),)
)


class Option(Model):
    """What a person who marks may choose: points that are added, or, below zero, taken off."""

    points: float = Field(multiple_of=0.25)
    text: str = Field(min_length=1, description="the student reads it")


class Criterion(Model):
    """One line of the marks. `title` is the sentence that the student reads."""

    id: Identifier
    title: str = Field(min_length=1)
    part: str = Field(min_length=1, description="part of the homework, such as '1(e)'")
    points: float = Field(gt=0)
    check: str
    params: BaseModel
    visibility: Literal["visible", "after_due", "hidden"] = "visible"
    depends_on: tuple[Identifier, ...] = ()
    options: tuple[Option, ...] = Field((), description="for the person who marks it")

    @model_validator(mode="after")
    def _full_points_can_be_had(self) -> Criterion:
        awards = [option.points for option in self.options if option.points > 0]
        if awards and sum(awards) < self.points:
            text = f"all of them give {sum(awards):g} of {self.points:g} points: nobody gets more"
            raise rule(text, "options")
        return self


# A file of them; once the rubric is read, what stands in it: students by group.
Groups = Annotated[
    Annotated[Path, Tag("file")] | Annotated[Mapping[str, tuple[str, ...]], Tag("table")],
    Discriminator(lambda value: "table" if isinstance(value, Mapping) else "file"),
]


class Rubric(Model):
    """A homework: its criteria, and what they are worth under which conditions."""

    title: str
    reference: Path = Path("reference")
    recorded: Path | None = Field(None, description="its answers, by `grader release`, without it")
    handouts: Path | None = Field(None, description="folder of files that students were given")
    checks: Path | tuple[Path, ...] = Field((), description="Python files with checks of your own")
    starter: Path | None = Field(None, description="folder that students start from: earns nothing")
    validation: Path | None = Field(None, description="folder of mutants and variants, cases.yaml")
    total: float = Field(gt=0, description="what the criteria's points must add up to")
    cap: float = Field(gt=0, description="no score is above it")
    profile: str = "quick"
    profiles: Mapping[str, Profile] = Field({}, description="needed where a check trains")
    limits: Limits = Limits()
    late: Late | None = None
    attempts: Literal["last", "best"] = Field("last", description="which of several counts")
    groups: Groups = Field({}, description="CSV: group, student; what one hands in is everybody's")
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
                        f"'{criterion.id}' is {criterion.visibility} and '{other}' is {seen}: its "
                        "marks would tell what is not to be seen"
                    )
                    raise rule(text, *place)
            before[criterion.id] = criterion
        return self

    @property
    def active(self) -> Profile:
        return self.profiles.get(self.profile, UNTRAINED)

    @property
    def own_files(self) -> tuple[Path, ...]:
        """The files with checks of the instructor's own."""
        return (self.checks,) if isinstance(self.checks, Path) else self.checks

    @property
    def teams(self) -> Mapping[str, tuple[str, ...]]:
        """Students who hand in together, by the name of their group."""
        return {} if isinstance(self.groups, Path) else self.groups


def did_you_mean(word: str, names: list[str]) -> str:
    """What an error says after a word that is not known: the nearest of the names, and all."""
    close = difflib.get_close_matches(word, names, n=1)
    guess = f"; did you mean '{close[0]}'?" if close else ""
    return f"{guess} (allowed: {', '.join(names) or 'none'})"
