"""A benchmark reports what it measured, and grades for real."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks import code_only, gpu_check, gpu_trainings
from benchmarks.figures import Figure, line, ratios
from benchmarks.gpu_line import Check, Line, Skipped, Wrong
from benchmarks.instant import InstantSandbox, Recording, replies_in
from benchmarks.peers import PEERS, installing
from benchmarks.timing import command, in_turns, run
from grader.checks.hidden_networks import RESNET18
from grader.checks.registry import parameter_models
from grader.records import Question
from grader.rubric.load import load
from grader.rubric.model import Limits
from grader.sandbox.base import Job
from grader.sandbox.conversation import converse
from grader.sandbox.process import ProcessSandbox


def test_a_ratio_is_taken_within_each_pair() -> None:
    assert ratios((2.0, 30.0), (1.0, 10.0)) == (2.0, 3.0)


def test_a_run_without_a_partner_is_no_ratio() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios((1.0, 2.0), (1.0,))


def test_ways_take_turns_and_each_keeps_its_own_seconds() -> None:
    order: list[str] = []

    def way(name: str, number: int) -> float:
        order.append(f"{name}{number}")
        return number if name == "a" else 10.0 * number

    rounds: list[list[Callable[[], float]]] = [
        [partial(way, name, number) for number in (1, 2)] for name in "ab"
    ]
    assert in_turns(rounds) == [(1.0, 2.0), (10.0, 20.0)]
    assert order == ["b1", "a1", "a2", "b2"]


def test_a_line_has_median_range_and_whether_it_is_met() -> None:
    figure = Figure("cold", (0.9, 0.5, 0.7), to_reach=0.7)
    assert line(figure) == "| cold | 0.7 (0.5 to 0.9) | ≤ 0.7 | yes |"
    assert line(Figure("cold", (0.71,), to_reach=0.7)) == "| cold | 0.71 | ≤ 0.7 | **no** |"
    assert line(Figure("start", (1234.0,), "ms")) == "| start | 1234 ms |  |  |"


def test_a_peer_that_is_as_fast_is_not_slower() -> None:
    assert line(Figure("peer", (1.5,), to_reach=1.5, above=True)).endswith("| > 1.5 | **no** |")
    assert line(Figure("peer", (1.6,), to_reach=1.5, above=True)).endswith("| > 1.5 | yes |")


def test_what_was_not_measured_says_why_and_is_not_met() -> None:
    told = line(Figure("warm", to_reach=0.08, skipped="no Docker Engine answers here"))
    assert told == "| warm | not measured: no Docker Engine answers here | ≤ 0.08 |  |"


def test_a_process_that_fails_is_no_figure() -> None:
    with pytest.raises(RuntimeError, match=r"ended with 3:\nsaid"):
        run(command(sys.executable, "-c", "print('said'); raise SystemExit(3)"))


def test_the_submissions_are_all_different_and_their_marks_are_told_apart(tmp_path: Path) -> None:
    paths = code_only.write_class(tmp_path / "class", range(20, 40))
    assert len({path.read_text(encoding="utf-8") for path in paths}) == 20
    grades = tmp_path / "grades.csv"
    rows = [f"student{n:04d},{code_only.solution(n).points}" for n in range(20, 40)]
    grades.write_text("\n".join(["student,score", *rows]), encoding="utf-8")
    code_only.assert_marks(grades, range(20, 40))
    grades.write_text("\n".join(["student,score", *rows[:-1]]), encoding="utf-8")
    with pytest.raises(AssertionError):
        code_only.assert_marks(grades, range(20, 40))


def test_the_code_only_rubric_trains_nothing_and_full_marks_are_its_total() -> None:
    rubric = load(code_only.RUBRIC, parameter_models)
    assert rubric.total == code_only.FULL
    assert rubric.criteria[-1].params.of == "make_optimizer"  # type: ignore[attr-defined]  # validated


def test_every_peer_is_pinned() -> None:
    pins = installing.REQUIREMENTS.read_text(encoding="utf-8").split()
    assert {pin.partition("==")[0] for pin in pins} == set(PEERS)
    assert all("==" in pin for pin in pins)


def test_a_recorded_worker_answers_the_same_again_and_nothing_else(tmp_path: Path) -> None:
    (script,) = code_only.write_class(tmp_path / "class", range(1))
    asked = Question("counts", "layer_counts", {"network": RESNET18}, "counts", 60)
    job = Job("ada", script.parent, (asked,), Limits())
    recording = tmp_path / "recording"
    recording.mkdir()
    (real,) = converse(Recording(ProcessSandbox(), recording), job)
    assert real.outcome.answered
    replay = InstantSandbox(replies_in(recording))
    (again,) = converse(replay, dataclasses.replace(job, name="grace"))
    assert (again.value, again.outcome.kind) == (real.value, real.outcome.kind)
    other = dataclasses.replace(asked, args={"network": RESNET18, "new": 1})
    (lost,) = converse(replay, dataclasses.replace(job, questions=(other,)))
    assert lost.outcome.owner == "harness"
    (reference_answers,) = converse(replay, dataclasses.replace(job, name="reference"))
    assert reference_answers.outcome.owner == "harness"


def gpu_row(run: Callable[[Check], str], folder: Path, **fields: Any) -> tuple[str, bool]:
    check = Check("0", None, folder, time.monotonic() + 60)
    return gpu_check._row(Line("share", "what is right", run, **fields), check)


def fails(error: Exception, check: Check) -> str:
    raise error


@pytest.mark.parametrize(("error", "right", "seen"), [
    (Wrong("expected memory_limit,\nseen answered"), False,
     "Wrong: expected memory_limit, seen answered"),
    (KeyError("run"), False, "KeyError: 'run'"),
    (Skipped("no --data"), True, "not run: no --data"),
])  # fmt: skip
def test_a_line_of_the_gpu_check_that_fails_is_a_row_and_no_end(
    error: Exception, right: bool, seen: str, tmp_path: Path
) -> None:
    row, passed = gpu_row(partial(fails, error), tmp_path)
    assert passed is right and "\n" not in row
    assert row.startswith(f"| share | what is right | {seen} | ")
    assert ("**no**" in row) is not right


def test_a_line_of_the_gpu_check_is_left_out_where_it_cannot_be_run(tmp_path: Path) -> None:
    assert gpu_row(lambda check: "fine", tmp_path)[0].endswith(" | yes |")
    late, passed = gpu_row(lambda check: "fine", tmp_path, at_least=90)
    assert passed and "not run: less than 90 s are left" in late


def test_the_gpu_check_names_what_is_wrong_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = {
        "first": Line("first", "x", partial(fails, Wrong("it is not so")), needs_gpu=False),
        "gpu": Line("gpu", "x", lambda check: "seen"),
        "last": Line("last", "x", lambda check: "seen", needs_gpu=False),
    }
    monkeypatch.setattr(gpu_check, "LINES", lines)
    assert gpu_check.main(["--gpu", "none", "--lines", "first,gpu,last"]) == 1
    printed = capsys.readouterr().out
    assert "| gpu | x | not run: no GPU |" in printed and "| last | x | seen |" in printed
    assert printed.endswith("Wrong: first.\n")
    assert gpu_check.main(["--gpu", "none", "--lines", "gpu,last"]) == 0


def test_the_time_to_an_accuracy_is_that_of_the_first_epoch_which_reaches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs = ((1, 60.5, 3.0), (2, 94.1, 6.1), (3, 93.0, 9.0), (4, 95.0, 12.4))
    printed = "".join(
        f"epoch {epoch}: train loss 1.234, validation loss 0.812, top-1 {top1:.2f}%, {s:.1f} s\n"
        for epoch, top1, s in epochs
    )
    monkeypatch.setattr(gpu_trainings, "run", lambda check, command: printed)
    check = Check("0", tmp_path, tmp_path, time.monotonic() + 300)
    seen = gpu_trainings._time_to(check, 94.0)
    assert seen == "94 % after epoch 2, 6.1 s; 95.00 % after 4 epochs and 12.4 s"
    with pytest.raises(Wrong, match=r"95\.00 % after 4 epochs"):
        gpu_trainings._time_to(check, 96.0)
    short = dataclasses.replace(check, until=time.monotonic() + 50)
    with pytest.raises(Skipped, match=r"epochs of 3\.1 s"):
        gpu_trainings._time_to(short, 96.0)
    with pytest.raises(Skipped, match="no --data"):
        gpu_trainings._time_to(dataclasses.replace(check, data=None), 94.0)
