"""`grader explain` and `grader diff`: a class that is graded four times, and what is told of it."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grader.cli.app import cli
from grader.errors import UsageError
from grader.grading.gradebook_file import NAME, TABLES, open_gradebook
from grader.grading.history import open_history
from grader.run.cache import file as cache_file
from grader.run.provenance import fingerprints as fingerprint
from tests.factories import replace_in

ROOT = Path(__file__).parent.parent.parent.parent
RIGHT = """\
import torch.nn as nn


def layer_parameter_counts(model):
    return {name: sum(p.numel() for p in module.parameters(recurse=False))
            for name, module in model.named_modules()
            if [*module.parameters(recurse=False)]}


def group_parameters(model):
    norm, bias, rest = [], [], []
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if isinstance(module, nn.BatchNorm2d):
                norm.append(parameter)
            elif name == "bias":
                bias.append(parameter)
            else:
                rest.append(parameter)
    return norm, bias, rest
"""
NOT_TODAY = """\
def layer_parameter_counts(model):
    raise ValueError("not today")
"""
RUBRIC = """\
title: "Two questions"
reference: reference
total: 8
cap: 100
profile: quick
profiles:
  quick:
    data: {source: digits, validation: 300, hidden: {held_out: 300}}
    epochs: 1
    seconds: 60
    thresholds:
      - {accuracy: 0.9, share: 1.0}
criteria:
  - {id: layer-counts, title: "The layers", part: "1", points: 3, check: layer_counts}
  - {id: parameter-groups, title: "The groups", part: "2", points: 5, check: param_groups}
"""
KEPT = ("runs", "submissions", "verdicts", "conditions", "questions", "traces", "marks", "comments")


@dataclass(frozen=True)
class Graded:
    """A class's folder, and what each table of its gradebook held after each of the runs."""

    folder: Path
    tables: tuple[Mapping[str, list[Any]], ...]

    @property
    def results(self) -> Path:
        return self.folder / "results"


def grade(folder: Path, *more: str) -> None:
    fingerprint.of_folder.cache_clear()
    command("run", folder / "class", "--rubric", folder / "rubric.yaml", "--sandbox", "process",
            "--out", folder / "results", "--jobs", "2", *more)


def command(*words: str | Path) -> int:
    code: int = cli.main([str(word) for word in words], standalone_mode=False)
    return code


def tables(folder: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(folder / "results" / NAME)) as file:
        return {
            name: file.execute(f"select * from {name} order by rowid").fetchall()
            for name in KEPT
        }


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """Run 1: as it is. 2: the groups are worth a point more. 3: grace hands in anew, and carol
    comes. 4: the reference has two groups the other way round."""
    folder = tmp_path_factory.mktemp("homework")
    (folder / "rubric.yaml").write_text(RUBRIC, encoding="utf-8")
    shutil.copytree(ROOT / "reference", folder / "reference",
                    ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "class").mkdir()
    ada, grace, carol = (folder / "class" / f"{name}.py" for name in ("ada", "grace", "carol"))
    for path in (ada, grace):
        path.write_text(f"# {path.stem}\n{RIGHT}", encoding="utf-8")
    found = []
    grade(folder)
    found.append(tables(folder))
    replace_in(folder / "rubric.yaml", "total: 8", "total: 9")
    replace_in(folder / "rubric.yaml", "points: 5", "points: 6")
    grade(folder)
    found.append(tables(folder))
    replace_in(grace, 'elif name == "bias"', 'elif name == "weight"')
    carol.write_text(NOT_TODAY, encoding="utf-8")
    grade(folder)
    found.append(tables(folder))
    replace_in(folder / "reference" / "param_groups.py",
               "return batch_norm, biases, rest", "return biases, batch_norm, rest")
    grade(folder)
    found.append(tables(folder))
    return Graded(folder, tuple(found))


@pytest.fixture
def told(graded: Graded, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a command's output, parsed as JSON."""

    def ask(*words: str) -> Any:
        capsys.readouterr()
        assert command(*words, "--out", graded.results, "--json") == 0
        return json.loads(capsys.readouterr().out)

    return ask


def test_a_regrade_never_overwrites_it_appends(graded: Graded) -> None:
    for before, after in zip(graded.tables, graded.tables[1:], strict=False):
        for name in KEPT:
            assert after[name][: len(before[name])] == before[name], name
    numbers = [[len(one[name]) for one in graded.tables] for name in ("runs", "verdicts")]
    # Four runs; two verdicts each of two students, none, two each of two, and all three students'.
    assert numbers == [[1, 2, 3, 4], [4, 4, 8, 14]]


def test_every_link_from_question_to_points_is_told(graded: Graded, told: Any) -> None:
    found = told("explain", "ada", "parameter-groups")
    (one,) = found["criteria"]
    assert (one["points"], one["max"], one["status"]) == (2.0, 6.0, "partial")
    assert one["how"] == "6 points × 0.3333 = 2"
    assert one["rule"]["check"] == "param_groups"
    assert one["rule"]["how"].startswith("A third of the points per group")
    assert [row["question"]["id"] for row in one["evidence"]] == [
        "parameter-groups/resnet18", "parameter-groups/hidden-1", "parameter-groups/hidden-2",
        "parameter-groups/beyond",
    ]
    public = one["evidence"][0]
    assert public["question"]["args"]["network"]["layers"] == [2, 2, 2, 2]
    assert public["observed"]["kind"] == "answered"
    assert public["observed"]["seconds"] > 0
    assert public["reported"]["value"]["form"] == "function"
    assert len(public["key"]["value"]["lists"][0]["names"]) == 1   # the reference is upside down
    assert one["run"]["number"] == 4
    assert one["versions"]["sandbox"].startswith("process, python")
    assert "torch 2." in one["versions"]["worker"]
    assert set(one["digests"]) >= {"files", "the reference", "the checks' code"}


def test_the_history_has_every_verdict_that_ever_was(told: Any) -> None:
    (one,) = told("explain", "grace", "parameter-groups")["criteria"]
    # Run 2 found run 1's verdict; run 4 judged the same answers by another reference.
    assert [(past["run"], past["counts"]) for past in one["history"]] == [
        (1, False), (3, False), (4, True),
    ]
    assert one["history"][0]["files"] != one["history"][1]["files"]


def test_without_a_criterion_all_are_told(told: Any) -> None:
    found = told("explain", "carol")
    assert [one["id"] for one in found["criteria"]] == ["layer-counts", "parameter-groups"]
    observed = found["criteria"][0]["evidence"][0]["observed"]
    assert observed["kind"] == "exception"
    assert "not today" in observed["message"]
    assert found["criteria"][0]["evidence"][0]["reported"] is None


def test_explaining_changes_nothing(graded: Graded, told: Any) -> None:
    def digests() -> dict[str, str]:
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted(graded.results.rglob("*")) if path.is_file()}

    before = digests()
    told("explain", "ada")
    told("diff", "1", "4")
    assert digests() == before


def test_the_command_that_it_names_gives_the_same_marks(
    graded: Graded, told: Any, tmp_path: Path
) -> None:
    (one,) = told("explain", "ada", "parameter-groups")["criteria"]
    program, *words = shlex.split(one["again"])
    assert (program, words[-2:]) == ("grader", ["--out", "results-again"])
    fingerprint.of_folder.cache_clear()
    assert command(*words[:-1], tmp_path) == 0
    (again,) = json.loads((tmp_path / "grades.json").read_text())["submissions"]
    assert again["score"] == 2.0
    with open_history(tmp_path) as history:
        (run,) = history.runs().values()
        assert run.seed == one["run"]["seed"]


def test_answers_that_were_cleared_are_told_by_their_digests(
    graded: Graded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(graded.results, tmp_path / "results")
    cache_file.clear(tmp_path / "results")
    assert command("explain", "ada", "--out", tmp_path / "results") == 0
    assert "removed from the cache" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["explain", "ada"], ["diff", "1", "4"]])
def test_it_can_be_read_on_80_columns(
    graded: Graded, words: list[str], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert command(*words, "--out", graded.results) == 0
    out = capsys.readouterr().out
    assert "parameter-groups" in out
    assert max(map(len, out.splitlines())) <= 80


def changes(found: Any) -> dict[str, dict[str, Any]]:
    return {one["student"]: {row["id"]: row["causes"] for row in one["criteria"]}
            for one in found["changed"]}


def test_points_that_changed_are_told_apart_from_verdicts_that_did(told: Any) -> None:
    found = told("diff", "1", "2")
    cause = ["the rubric now gives 6 points for this criterion; before, 5"]
    assert changes(found) == {name: {"parameter-groups": cause} for name in ("ada", "grace")}
    assert [(one["before"], one["after"]) for one in found["changed"]] == [(8.0, 9.0)] * 2


def test_files_that_changed_are_the_cause_for_their_student_alone(told: Any) -> None:
    found = told("diff", "2", "3")
    assert changes(found) == {"grace": {"parameter-groups": ["the student's files changed"]}}
    assert found["only_after"] == ["carol"]
    assert found["unchanged"] == 1


def test_another_reference_is_the_cause_for_everybody(told: Any) -> None:
    found = told("diff", "3", "4")
    assert changes(found)["ada"] == {"parameter-groups": ["the reference changed"]}
    assert found["before"]["run"] == 3


def test_a_run_against_itself_changes_nothing(graded: Graded, told: Any) -> None:
    found = told("diff", f"{graded.results}@4", str(graded.results))
    assert (found["changed"], found["unchanged"]) == ([], 3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["explain", "adda"], "no student 'adda' in .*; there are ada, carol, grace"),
        (["explain", "ada", "groups"], "ada has no verdict on 'groups'; there are layer-counts"),
        (["diff", "1", "9"], "there is no run 9; expected a number from 1 to 4"),
        (["diff", "1", "nowhere"], "nowhere: no gradebook.sqlite"),
    ],
)
def test_what_there_is_not_is_told_with_what_there_is(
    graded: Graded, words: list[str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        command(*words, "--out", graded.results)


# A gradebook from before ---------------------------------------------------------------------


@pytest.fixture
def old(graded: Graded, tmp_path: Path) -> Iterator[Path]:
    """Rewrite the gradebook as the version before would have left it."""
    with closing(sqlite3.connect(graded.results / NAME)) as now:
        rows = {name: now.execute(f"select * from {name}").fetchall()
                for name in ("runs", "submissions", "verdicts")}
    with closing(sqlite3.connect(tmp_path / NAME)) as file, file:
        file.executescript(f"{TABLES[0]} pragma user_version = 1;")
        for name, held in rows.items():
            file.executemany(f"insert into {name} values ({','.join('?' * len(held[0]))})", held)
    yield tmp_path


def test_a_gradebook_from_before_says_what_to_do(old: Path) -> None:
    with pytest.raises(UsageError, match="grade the class into this folder again"):
        command("explain", "ada", "--out", old)


def test_a_gradebook_from_before_goes_on_with_what_it_held(old: Path) -> None:
    with open_gradebook(old, print) as book:
        book.begin({}, seed=None, drawn=7)
    with closing(sqlite3.connect(old / NAME)) as file:
        assert file.execute("pragma user_version").fetchone() == (len(TABLES),)
        assert file.execute("select count(*) from verdicts").fetchone() == (14,)
        assert file.execute("select count(*) from runs").fetchone() == (5,)
