"""Calibration: from trainings to thresholds, into the rubric, and when it no longer holds."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader.checks.registry import parameter_models
from grader.cli.app import cli
from grader.errors import RubricError, UsageError
from grader.rubric.edit import write_calibration
from grader.rubric.load import load
from grader.rubric.model import Again, Calibration, Profile, Rubric, Threshold
from grader.run.provenance.hardware import Environment
from grader.submissions.discover import hand_in
from grader.validation.calibration.propose import evidence, often, propose
from grader.validation.calibration.runs import Figures, SeedRun, Solution
from grader.validation.calibration.warnings import solution_digest, warnings

ROOT = Path(__file__).parent.parent.parent.parent
HERE = Environment(
    {"processor": "a fast one", "cores": 2, "threads": 1, "gpu": "none", "sandbox": "docker"},
    {"grader": "1", "python": "3.11.2", "torch": "2.14.0"},
)
PROFILE = Profile(
    epochs=10,
    seconds=60,
    thresholds=(
        Threshold(accuracy=0.95, share=1.0),
        Threshold(accuracy=0.9, share=0.7),
        Threshold(accuracy=0.75, share=0.4),
    ),
)
USUAL = (297, 296, 295, 298, 296, 297, 297, 296, 295, 297) * 3


def figures(**solutions: tuple[int, ...]) -> Figures:
    runs = [
        SeedRun(name, seed, correct, 4.0 + seed / 100, seed)
        for name, some in solutions.items()
        for seed, correct in enumerate(some, 1)
    ]
    return Figures(300, HERE, tuple(runs))


# What is proposed -------------------------------------------------------------------------------


def test_the_proposal_is_the_highest_step_that_is_sure_enough() -> None:
    found = propose(figures(reference=USUAL), PROFILE, 0.001, 0.95, 10)
    (row,) = found.rows
    assert found.thresholds[0].accuracy == row.allows == 0.97
    assert row.fit.below(0.97, 0.95).upper <= 0.001 < row.fit.below(0.975, 0.95).upper
    assert row.credible and row.below.upper < 1e-5


def test_the_solution_that_allows_the_least_decides() -> None:
    weaker = tuple(one - 9 for one in USUAL)
    found = propose(figures(reference=USUAL, other=weaker), PROFILE, 0.001, 0.95, 10)
    assert found.worst.solution == "other"
    assert found.thresholds[0].accuracy == found.worst.allows < 0.97


def test_partial_credit_stays_and_comes_down_with_full_credit() -> None:
    raised = propose(figures(reference=USUAL), PROFILE, 0.001, 0.95, 10)
    assert [one.accuracy for one in raised.thresholds] == [0.97, 0.9, 0.75]
    lowered = propose(figures(reference=tuple(one - 20 for one in USUAL)), PROFILE, 0.001, 0.95, 10)
    full = lowered.thresholds[0].accuracy
    assert full < 0.95
    ratio = full / 0.95
    for one, before in zip(lowered.thresholds[1:], PROFILE.thresholds[1:], strict=True):
        assert before.accuracy * ratio - 0.005 < one.accuracy <= before.accuracy * ratio
        assert one.share == before.share
    assert lowered.usable


def test_a_stricter_risk_and_fewer_runs_lower_the_threshold() -> None:
    def full(runs: int, risk: float) -> float:
        found = propose(figures(reference=USUAL[:runs]), PROFILE, risk, 0.95, 10)
        return found.thresholds[0].accuracy

    assert full(30, 0.1) > full(30, 0.001) > full(30, 1e-6)
    assert full(30, 0.001) > full(5, 0.001)


def test_a_budget_follows_the_slowest_run_and_is_never_lowered() -> None:
    def seconds(factor: float) -> float:
        return propose(figures(reference=USUAL), PROFILE, 0.001, 0.95, factor).seconds

    assert seconds(20) == 90   # 4.3 s by 20 is 86
    assert seconds(5) == 60


def test_code_that_sets_its_own_seed_shows_nothing_about_chance() -> None:
    same = figures(fixed=(290,) * 30)
    same = dataclasses.replace(
        same, runs=tuple(dataclasses.replace(run, network=7) for run in same.runs)
    )
    with pytest.raises(UsageError, match="fixed: the same network with every seed"):
        propose(same, PROFILE, 0.001, 0.95, 10)
    both = dataclasses.replace(same, runs=same.runs + figures(reference=USUAL).runs)
    found = propose(both, PROFILE, 0.001, 0.95, 10)
    assert found.fixed == ("fixed",) and [row.solution for row in found.rows] == ["reference"]


def test_trainings_near_the_threshold_lower_the_chance_to_fail() -> None:
    low = tuple(one - 9 for one in USUAL)
    rule = PROFILE.model_copy(update={"again": Again(at_most=2, within=0.03)})
    (row,) = propose(figures(reference=low), rule, 0.001, 0.95, 10).rows
    assert row.again.estimate < row.below.estimate and row.again.upper < row.below.upper


@pytest.mark.parametrize(
    ("chance", "words"),
    [(1e-9, "less than 1 in a million"), (0.000417, "1 in 2,400"), (0.001, "1 in 1,000"),
     (0.2, "1 in 5"), (0.57, "1 in 1.8"), (1.0, "1 in 1")],
)
def test_chances_are_written_as_one_in_so_many(chance: float, words: str) -> None:
    assert often(chance) == words


# Into the rubric --------------------------------------------------------------------------------


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """The shipped rubric, and what it names beside it."""
    for name in ("reference", "handouts"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "rubric.yaml", tmp_path)
    return tmp_path / "rubric.yaml"


def calibrated(rubric: Rubric, correct: tuple[int, ...] = USUAL) -> Calibration:
    solutions = [Solution("reference", "abc", hand_in(rubric.reference))]
    found = figures(reference=correct)
    proposal = propose(found, rubric.active, 0.001, 0.95, 10)
    return evidence(found, solutions, proposal, rubric.active, 0.001, 0.95)


def read(path: Path, profile: str | None = None) -> Rubric:
    return load(path, parameter_models, profile)


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_writing_evidence_leaves_every_other_line_as_it_is(shipped: Path, profile: str) -> None:
    before = shipped.read_text(encoding="utf-8")
    rubric = read(shipped, profile)
    new = rubric.active.model_copy(update={"calibration": calibrated(rubric)})
    write_calibration(shipped, parameter_models, profile, new)
    assert read(shipped, profile).active.calibration == new.calibration

    def others(text: str) -> list[str]:
        lines, kept = text.splitlines(), list[str]()
        inside = name = ""
        for line in lines:
            name = line.strip(" :") if re.match(r"  \w+:$", line) else name
            if name == profile and line.startswith("    calibration:"):
                inside = "yes"
            elif inside and not line.startswith("      "):
                inside = ""
            if not inside:
                kept.append(line)
        return kept

    after = shipped.read_text(encoding="utf-8")
    assert others(after) == others(before) and after.count("# a validation error below 12 %") == 1
    # Once more, in the place of the first.
    write_calibration(shipped, parameter_models, profile, new)
    assert shipped.read_text(encoding="utf-8") == after
    assert [path.name for path in shipped.parent.glob(".*")] == []


def test_the_evidence_is_written_at_the_end_of_the_profile(shipped: Path) -> None:
    text = shipped.read_text(encoding="utf-8")
    text = text.replace("    epochs: 10\n", "    epochs: 10\n\n# how long\n", 1)
    shipped.write_text(text, encoding="utf-8")
    rubric = read(shipped)
    new = rubric.active.model_copy(update={"calibration": calibrated(rubric)})
    for _ in range(2):
        write_calibration(shipped, parameter_models, "quick", new)
        after = shipped.read_text(encoding="utf-8")
        assert after.count("    calibration:") == 1
        assert after[after.index("    calibration:") :].split("\n  full:")[0].count("\n\n") == 0
        assert after.index("    thresholds:") < after.index("    calibration:")


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_ends_stay_as_they_are_and_the_last_one_may_be_missing(
    shipped: Path, ending: str
) -> None:
    text = shipped.read_text(encoding="utf-8")
    head, criteria, rest = text.partition("criteria:\n")
    profiles, _, limits = head.partition("\nlimits:")
    middle = f"{limits and 'limits:'}{limits}{criteria}{rest}"
    moved = profiles.replace("profile: quick", f"{middle}\nprofile: quick", 1).rstrip("\n")
    shipped.write_bytes(moved.replace("\n", ending).encode())
    rubric = read(shipped, "full")   # the last thing in the file, without an end of its line
    new = rubric.active.model_copy(update={"calibration": calibrated(rubric)})
    write_calibration(shipped, parameter_models, "full", new)
    after = shipped.read_bytes().decode()
    assert read(shipped, "full").active.calibration == new.calibration
    assert after.replace(ending, "\n").startswith(moved)
    assert after.count("\n") == after.count(ending)


def test_writing_thresholds_changes_numbers_and_keeps_comments(shipped: Path) -> None:
    rubric = read(shipped, "full")
    thresholds = tuple(
        one.model_copy(update={"accuracy": one.accuracy - 0.03}) for one in rubric.active.thresholds
    )
    new = rubric.active.model_copy(
        update={"thresholds": thresholds, "seconds": 9000, "calibration": calibrated(rubric)}
    )
    write_calibration(shipped, parameter_models, "full", new)
    text = shipped.read_text(encoding="utf-8")
    assert "- {accuracy: 0.85, share: 1.0}   # a validation error below 12 %\n" in text
    assert "- {accuracy: 0.82, share: 0.7}\n" in text and "    seconds: 9000\n" in text
    assert "- {accuracy: 0.90, share: 1.0}" in text, "the other profile's"


def test_an_invalid_rubric_is_not_written(shipped: Path) -> None:
    before, rubric = shipped.read_bytes(), read(shipped)
    upside_down = tuple(
        one.model_copy(update={"accuracy": accuracy})
        for one, accuracy in zip(rubric.active.thresholds, (0.5, 0.6, 0.7), strict=True)
    )
    new = rubric.active.model_copy(
        update={"thresholds": upside_down, "calibration": calibrated(rubric)}
    )
    with pytest.raises(RubricError, match="from the highest accuracy"):
        write_calibration(shipped, parameter_models, "quick", new)
    assert shipped.read_bytes() == before
    assert [path.name for path in shipped.parent.glob(".*")] == []


def test_a_profile_in_braces_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rubric.yaml"
    path.write_text(
        "title: x\ntotal: 1\ncap: 1\nprofiles:\n"
        "  quick: {epochs: 1, seconds: 9, thresholds: [{accuracy: 0.5, share: 1}]}\n"
        "criteria: [{id: a, title: a, part: a, points: 1, check: accuracy}]\n",
        encoding="utf-8",
    )
    rubric = read(path)
    new = PROFILE.model_copy(update={"thresholds": rubric.active.thresholds, "seconds": 9.0,
                                     "calibration": calibrated(read(ROOT / "rubric.yaml"))})
    with pytest.raises(RubricError, match=r"rubric.yaml:5: profiles.quick: expected keys below"):
        write_calibration(path, parameter_models, "quick", new)


def test_incomplete_runs_are_an_error_with_their_line(shipped: Path) -> None:
    rubric = read(shipped)
    new = rubric.active.model_copy(update={"calibration": calibrated(rubric)})
    write_calibration(shipped, parameter_models, "quick", new)
    text = shipped.read_text(encoding="utf-8")
    line = next(n for n, one in enumerate(text.splitlines(), 1) if "correct: [297, 296" in one)
    shipped.write_text(text.replace("correct: [297, 296", "correct: [296"), encoding="utf-8")
    with pytest.raises(RubricError, match=rf"rubric.yaml:{line}: .*one per seed, found 29"):
        read(shipped)


# What validate warns of -------------------------------------------------------------------------


def with_evidence(correct: tuple[int, ...] = USUAL, **changed: object) -> Rubric:
    rubric = read(ROOT / "rubric.yaml")
    found = calibrated(rubric, correct)
    digest = solution_digest(rubric.reference)
    (runs,) = found.runs
    found = found.model_copy(
        update={"runs": (runs.model_copy(update={"digest": digest}),)} | changed
    )
    profile = rubric.active.model_copy(update={"calibration": found})
    return rubric.model_copy(update={"profiles": {"quick": profile}})


def test_a_threshold_with_evidence_gives_no_warning() -> None:
    assert warnings(with_evidence(), HERE) == []


def test_a_threshold_without_evidence_gives_a_warning_with_the_command() -> None:
    (told,) = warnings(with_evidence().model_copy(update={"profiles": {"quick": PROFILE}}), HERE)
    assert "it is unknown how often its thresholds fail a right solution" in told
    assert "run `grader calibrate --profile quick --write evidence`" in told


def test_a_rubric_without_thresholds_needs_no_evidence() -> None:
    rubric = with_evidence().model_copy(update={"profiles": {"quick": PROFILE}})
    written = tuple(one for one in rubric.criteria if one.check == "written")
    assert warnings(rubric.model_copy(update={"criteria": written}), HERE) == []


@pytest.mark.parametrize(
    ("kind", "key", "other", "words"),
    [
        ("hardware", "processor", "a slow one", "processor a fast one, and here it is a slow one"),
        ("hardware", "cores", 64, "cores 2, and here it is 64"),
        ("hardware", "gpu", "H100", "gpu none, and here it is H100"),
        ("versions", "torch", "2.15.0", "torch 2.14.0, and here it is 2.15.0"),
        ("versions", "grader", "2", "grader 1, and here it is 2"),
    ],
)
def test_other_hardware_and_versions_are_named(
    kind: str, key: str, other: object, words: str
) -> None:
    now = dataclasses.replace(HERE, **{kind: {**getattr(HERE, kind), key: other}})
    (told,) = warnings(with_evidence(), now)
    assert words in told and "--write evidence" in told


def test_another_homework_is_named() -> None:
    rubric = with_evidence(epochs=20, data="digits, 10 hidden, 300 for validation, seed 0")
    told = warnings(rubric, HERE)
    assert len(told) == 2
    assert "with 20 epochs, and the profile has 10" in told[0] and "other data" in told[1]
    (runs,) = with_evidence().active.calibration.runs  # type: ignore[union-attr]  # it has one
    other = with_evidence(runs=(runs.model_copy(update={"digest": "another"}),))
    assert "another reference solution" in warnings(other, HERE)[0]


def test_a_threshold_that_fails_too_many_right_solutions_is_named() -> None:
    """The threshold was raised by hand, or the runs were poor from the start."""
    (told,) = warnings(with_evidence(tuple(one - 24 for one in USUAL)), HERE)
    assert "the threshold of 0.9 may fail a right solution (reference)" in told


# The command ------------------------------------------------------------------------------------

STUDENT = """
import torch
from torch import nn

def build_model(num_classes=10):
    return nn.Sequential(nn.Flatten(), nn.Linear(192, num_classes), nn.BatchNorm1d(num_classes))

def train(model, train_loader, validation_loader, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(epochs):
        model.train()
        for images, labels in train_loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
"""
RUBRIC = """\
title: Small
total: 1
cap: 1
profiles:
  quick:
    data: {validation: 100, hidden: {held_out: 200}, limit_train: 300}
    epochs: 3
    seconds: 60
    thresholds:   # ours
      - {accuracy: 0.99, share: 1.0}
      - {accuracy: 0.5, share: 0.5}
    again: {at_most: 1, within: 0.05}

# What is asked
criteria:
  - {id: accuracy, title: It learns, part: "1", points: 1, check: accuracy}
"""


def test_the_command_measures_proposes_and_writes(tmp_path: Path) -> None:
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "hw2.py").write_text(STUDENT, encoding="utf-8")
    path = tmp_path / "rubric.yaml"
    path.write_text(RUBRIC, encoding="utf-8")
    arguments = ["calibrate", "--rubric", str(path), "--sandbox", "process", "--seeds", "4",
                 "--out", str(tmp_path / "out")]
    shown = CliRunner().invoke(cli, arguments, standalone_mode=False, env={"COLUMNS": "80"})
    assert shown.exception is None, shown.output
    assert path.read_text(encoding="utf-8") == RUBRIC
    assert max(map(len, shown.output.splitlines()[1:])) <= 80
    assert "Below 99.0%, at most" in shown.output and "Proposed for 1 in 1,000" in shown.output
    written = CliRunner().invoke(
        cli, [*arguments, "--write", "evidence"], standalone_mode=False, env={"COLUMNS": "80"}
    )
    assert written.exception is None, written.output
    found = read(path).active.calibration
    assert found is not None and found.seeds == (1, 2, 3, 4) and found.hidden == 200
    (runs,) = found.runs
    assert runs.solution == "reference" and all(120 < one < 198 for one in runs.correct)
    assert len(set(runs.correct)) > 1 and all(one > 0 for one in runs.seconds)
    assert {"python", "torch", "grader"} <= set(found.versions)
    assert "fails a right solution (reference) in" in found.found
    text = path.read_text(encoding="utf-8")
    assert text.startswith(RUBRIC[: RUBRIC.index("\n# What")])
    assert text.endswith(RUBRIC[RUBRIC.index("\n# What") :])


def test_a_variant_that_is_not_right_is_an_error_with_its_seed(tmp_path: Path) -> None:
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "hw2.py").write_text("1 / 0\n", encoding="utf-8")
    path = tmp_path / "rubric.yaml"
    path.write_text(RUBRIC, encoding="utf-8")
    arguments = ["calibrate", "--rubric", str(path), "--sandbox", "process", "--seeds", "3",
                 "--out", str(tmp_path / "out")]
    ran = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert isinstance(ran.exception, UsageError)
    assert "reference, seed 1: 'train' ended with" in str(ran.exception)
    assert "Thresholds are calibrated with right solutions only" in str(ran.exception)


def test_the_evidence_supports_the_shipped_thresholds_of_the_quick_profile() -> None:
    rubric = read(ROOT / "rubric.yaml", "quick")
    found = rubric.active.calibration
    assert found is not None and len(found.seeds) >= 30
    assert warnings(rubric, None) == []
