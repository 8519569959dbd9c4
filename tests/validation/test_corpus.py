"""`cases.yaml`, what lies beside it, and the copies that are made of the reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.validation.corpus import Corpus, lay_out, load_corpus

CRITERIA = ("groups", "accuracy")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "train.py").write_text("def f():\n    model.train()\n", "utf-8")
    (tmp_path / "reference" / "cli.py").write_text("import rich\n", "utf-8")
    for kind in ("mutants", "variants"):
        (tmp_path / "validation" / kind).mkdir(parents=True)
    return tmp_path / "validation"


def load(folder: Path, text: str) -> Corpus:
    (folder / "cases.yaml").write_text(text, encoding="utf-8")
    return load_corpus(folder, folder.parent / "reference", CRITERIA)


def refusal(folder: Path, text: str, workspace: Path | None = None) -> str:
    with pytest.raises(UsageError) as error:
        corpus = load(folder, text)
        for case in corpus.all():
            lay_out(corpus, case, workspace or folder.parent / "work")
    return str(error.value).replace(f"{folder.parent}/", "")


REWRITTEN = """\
leave_out: [cli.py]
mutants:
  dropped:
    about: train() is dropped
    loses: [accuracy]
    rewrite:
      - file: train.py
        find: model.train()
        by: pass
"""


def test_a_mutant_is_a_copy_of_the_reference_with_the_edit_made(folder: Path) -> None:
    corpus = load(folder, REWRITTEN)
    (case,) = corpus.all()
    assert (case.kind, case.name, case.loses) == ("mutant", "dropped", frozenset({"accuracy"}))
    made = lay_out(corpus, case, folder.parent / "work")
    assert [path.name for path in made.iterdir()] == ["train.py"]
    assert (made / "train.py").read_text("utf-8") == "def f():\n    pass\n"
    assert "train()" in (folder.parent / "reference" / "train.py").read_text("utf-8")


def test_a_variant_may_be_made_of_another(folder: Path) -> None:
    (folder / "variants" / "script.py").write_text("a = 1\n", "utf-8")
    text = """\
variants:
  script: {about: one}
  second: {about: two, of: script, rewrite: [{find: a = 1, by: a = 2}]}
  third: {about: three, of: second, rewrite: [{find: a = 2, by: a = 3}]}
"""
    corpus = load(folder, text)
    made = {case.name: lay_out(corpus, case, folder.parent / "work") for case in corpus.all()}
    assert made["script"] == folder / "variants" / "script.py"
    assert made["third"].name == "third.py"
    assert [made[name].read_text("utf-8") for name in made] == ["a = 1\n", "a = 2\n", "a = 3\n"]


def test_an_edit_that_does_not_match_names_both_files_and_the_line(folder: Path) -> None:
    told = refusal(folder, REWRITTEN.replace("find: model.train()", "find: model.trains()"))
    assert told.startswith(
        "validation/cases.yaml:7: mutants.dropped.rewrite.0: reference/train.py: `model.trains()` "
        "does not occur in the file; the nearest is `model.train()`"
    )


@pytest.mark.parametrize(
    ("line", "other", "told"),
    [
        ("about: train() is dropped", "abuot: x",
         "4: mutants.dropped.abuot: this key is not known; did you mean 'about'?"),
        ("loses: [accuracy]", "loses: [acuracy]",
         "5: mutants.dropped.loses.0: no automatic criterion 'acuracy'; did you mean 'accuracy'?"),
        ("file: train.py", "file: trian.py",
         "7: mutants.dropped.rewrite.0.file: no such file 'trian.py'; there are train.py"),
        ("file: train.py", "file: cli.py", "no such file 'cli.py'"),
        ("rewrite:", "of: script\n    rewrite:", "6: mutants.dropped.of: there is no variant"),
    ],
)  # fmt: skip
def test_an_error_names_its_line(folder: Path, line: str, other: str, told: str) -> None:
    assert told in refusal(folder, REWRITTEN.replace(line, other))


def test_a_case_without_a_rewrite_needs_a_file_of_its_name(folder: Path) -> None:
    told = refusal(folder, "variants:\n  script: {about: one}\n")
    assert told == (
        "validation/cases.yaml:2: variants.script: a case without 'rewrite' is variants/script.py, "
        ".ipynb or a folder; there is nothing"
    )


def test_a_file_that_is_not_listed_is_an_error(folder: Path) -> None:
    (folder / "mutants" / "stray.py").write_text("a = 1\n", "utf-8")
    assert "mutants/stray.py is not listed; add 'stray: {about: ...}'" in refusal(
        folder, "mutants: {}\n"
    )


def test_variants_that_are_made_of_each_other_are_refused(folder: Path) -> None:
    text = """\
variants:
  one: {about: x, of: two, rewrite: [{find: a, by: b}]}
  two: {about: x, of: one, rewrite: [{find: a, by: b}]}
"""
    assert "one -> two -> one goes in a circle" in refusal(folder, text)
