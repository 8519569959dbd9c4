"""Feedback claims what was observed, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.checks.check import without_answer
from grader.checks.groups import param_groups
from grader.checks.training_report import cautions
from grader.records import Outcome
from grader.worker.session import how_it_ended
from tests.checks.evidence import (
    CRITERION,
    answered,
    decaying,
    found,
    groups_of,
    key,
    optimizer,
    returned,
    run,
    structure,
    trained,
    work,
)

CALLS = {
    "import sys\nsys.exit(3)\n": True,
    "def leave():\n    raise SystemExit('done')\n\nleave()\n": True,
    "import argparse\nargparse.ArgumentParser().parse_args(['--no-such-option'])\n": False,
    "import runpy\nrunpy.run_module('a_module_that_leaves')\n": False,
}


@pytest.mark.parametrize(("code", "calls"), CALLS.items())
def test_a_call_of_exit_is_named_only_if_there_is_one(
    code: str, calls: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, folder = tmp_path / "library", tmp_path / "student"
    for one in (library, folder):
        one.mkdir()
    (library / "a_module_that_leaves.py").write_text("raise SystemExit(2)\n")
    monkeypatch.syspath_prepend(str(library))
    file = folder / "hw2.py"
    file.write_text(code)
    with pytest.raises(SystemExit) as ended:
        exec(compile(code, str(file), "exec"), {"__name__": "__main__"})
    text = how_it_ended(ended.value, folder)
    assert text.startswith("hw2.py, line 2")
    verdict = without_answer(CRITERION, Outcome("exited", "student", text), "asked")
    assert ("exit()" in verdict.next_step) is calls
    assert ("called exit(" in verdict.reason) is calls


def test_a_program_that_ends_without_a_trace_is_not_told_to_remove_exit() -> None:
    outcome = Outcome("exited", "student", "the program ended itself with exit code 0")
    assert "exit()" not in without_answer(CRITERION, outcome, "asked").next_step


def test_an_error_that_is_not_shown_is_not_said_to_stand_above() -> None:
    outcome = Outcome("exception", "student", "hw2.py, line 3: ValueError: 17")
    assert "error above" in without_answer(CRITERION, outcome, "asked").next_step
    hidden = without_answer(CRITERION, outcome, "asked", hidden=True)
    assert "above" not in hidden.next_step and "other networks" in hidden.next_step


@pytest.mark.parametrize("own", [True, False])
def test_a_table_is_of_the_students_network_where_it_is_theirs(own: bool) -> None:
    rows = structure()
    norm, biases, rest = groups_of(rows)
    value = {
        "form": "script", "lists": [found("bn", norm[:2]), found("bias", biases),
                                    found("rest", rest)],
        "numbers": [], "replaced": not own, "structure": rows, "notes": [],
    }  # fmt: skip
    names = ("parameter-groups/hidden-1", "parameter-groups/hidden-2", param_groups.BEYOND)
    asked = dict.fromkeys((param_groups.PUBLIC, *names), answered(value))
    right = answered({"structure": rows, "lists": returned(groups_of(rows))})
    known = key(dict.fromkeys(asked, right))
    verdict = param_groups.judge(CRITERION, work(asked), known)
    titles = [table.title for table in verdict.tables]
    assert ("Parameters of your network" in titles) is own
    assert ("Parameters of ResNet-18" in titles) is not own


@pytest.mark.parametrize(
    ("norms", "dropout"), [(True, True), (True, False), (False, True), (False, False)]
)
def test_a_caution_names_the_layers_that_the_network_has(norms: bool, dropout: bool) -> None:
    rows = structure(norms="norm" if norms else "other")
    active = 5 if dropout else 0
    runs = [run("train", dropouts_training=active, norms_evaluating=5),
            run("evaluate", norms_training=5, dropouts_training=active)]
    report = trained(runs, batches_tracked=[5] if norms else [],
                     optimizer=optimizer(*decaying(rows), rows=rows))
    for caution in cautions(report.value):
        assert ("batch norm" in caution.why) is norms
        assert ("dropout" in caution.why) is dropout
        assert "Call model." in caution.why
