"""Copies are listed whatever was renamed in them; code that everybody has to write is not."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from playwright.sync_api import Page

from grader.api import grade
from grader.cli.app import cli
from grader.errors import UsageError
from grader.reports.similar_code.page import render_similar
from grader.reports.similar_code.pairs import SimilarCode, read_pairs
from grader.run.options import RunOptions
from grader.run.similar import ClassCode, compare_class, read_class
from grader.submissions.code_tokens import Code, code_file
from grader.submissions.discover import HandIn
from tests.factories import criterion, rubric, write_files
from tests.support.looking import keeps_nobody_out

CALLS = ("mean", "std", "sum", "view", "permute", "clamp", "relu", "matmul", "softmax", "argmax",
         "cumsum", "square", "log", "exp", "sort", "flip", "roll", "abs")  # fmt: skip


def functions(seed: int, count: int = 8, name: str = "x") -> list[str]:
    """Functions that nobody else would write: each line calls something by chance."""
    draw = random.Random(seed)
    return [
        f"def {name}{number}({name}, {name}b):\n" + "".join(
            f"    {name}c = {name}{draw.choice('+-*/')}{name}b.{draw.choice(CALLS)}"
            f"({draw.randrange(9)}).{draw.choice(CALLS)}()\n" for _ in range(6)
        ) + f"    return {name}c\n"
        for number in range(count)
    ]  # fmt: skip


def code(*texts: str) -> Code:
    return Code(tuple(code_file(f"hw{number}.py", text) for number, text in enumerate(texts)))


def compared(
    codes: dict[str, Code], given: Sequence[Code] = (), hand_ins: Sequence[HandIn] = ()
) -> SimilarCode:
    items = hand_ins or [HandIn(student, (Path(student),)) for student in codes]
    return compare_class(ClassCode(codes, tuple(given), ()), items, 0.6, 10, lambda *_: None)


def students_of(found: SimilarCode) -> list[set[str]]:
    return [set(pair.students) for pair in found.pairs]


@pytest.mark.parametrize(
    "copy",
    [
        "".join(functions(1, name="other_name")),
        "".join(reversed(functions(1))),
        "".join(functions(1)).replace("\n", "  # my own idea\n\n"),
        "".join(line + "    debug = 1\n" * (number % 5 == 1) for number, line in
                enumerate("".join(functions(1)).splitlines(keepends=True))
                if not line.startswith("    return")),
        "".join(functions(1)) + "".join(functions(2, 30)),
        "".join(functions(1)) + "def unfinished(:\n    '''",
    ],
    ids=["names", "order", "comments", "lines", "inside more code", "syntax error"],
)  # fmt: skip
def test_a_copy_in_disguise_is_listed_and_work_of_ones_own_is_not(copy: str) -> None:
    found = compared({
        "ada": code("".join(functions(1))), "bob": code(copy),
        "eve": code("".join(functions(3))), "kim": code("".join(functions(4, name="own"))),
    })  # fmt: skip
    assert students_of(found) == [{"ada", "bob"}]
    assert found.pairs[0].share >= 0.6


def test_a_copy_spread_over_several_files_is_listed_with_the_lines_of_each() -> None:
    first, second = functions(1)[:4], functions(1)[4:]
    found = compared({"ada": code("".join(functions(1))),
                      "bob": code("import torch\n\n" + "".join(first), "".join(second))})
    (pair,) = found.pairs
    assert [one.name for one in pair.right.files] == ["hw0.py", "hw1.py"]
    assert pair.right.files[0].lines[0][0] == 3


def test_code_of_the_starter_or_of_the_reference_makes_nobody_similar() -> None:
    shared = "".join(functions(1))
    codes = {name: code(shared + "".join(functions(seed, 2)))
             for name, seed in (("ada", 5), ("bob", 6))}
    assert students_of(compared(codes)) == [{"ada", "bob"}]
    assert compared(codes, [code(shared)]).pairs == ()


@pytest.mark.parametrize("count", [4, 12, 40])
def test_short_functions_that_everybody_writes_alike_flag_nobody(count: int) -> None:
    short = "def f(x, w):\n    return (x - x.mean(0)) / (x.var(0) + 1e-5).sqrt() * w\n"
    assert compared({f"s{number}": code(short) for number in range(count)}).pairs == ()


@pytest.mark.parametrize("count", [6, 12, 40])
def test_a_solution_that_half_of_the_class_has_flags_nobody_and_is_told(count: int) -> None:
    long = "".join(functions(1))
    codes = {f"s{number}": code(long + "".join(functions(100 + number, 1)))
             for number in range(count)}
    found = compared(codes)
    assert found.pairs == ()
    assert found.common_share > 0.5


def test_three_copies_in_a_class_of_thirty_are_three_pairs() -> None:
    codes = {f"s{number}": code("".join(functions(max(number, 3)))) for number in range(1, 31)}
    assert sorted(map(sorted, students_of(compared(codes)))) == [
        ["s1", "s2"], ["s1", "s3"], ["s2", "s3"],
    ]  # fmt: skip


def test_attempts_and_teams_are_not_compared_with_themselves() -> None:
    same = code("".join(functions(1)))
    items = [
        HandIn("ada", (Path("a"),)), HandIn("ada_2", (Path("b"),), members=("ada",), attempt=2),
        HandIn("team", (Path("c"),), members=("ada", "bob")), HandIn("bob", (Path("d"),)),
    ]  # fmt: skip
    others = [HandIn(f"s{number}", (Path(f"s{number}"),)) for number in range(9)]
    codes = {one.student: same for one in items} | {
        one.student: code("".join(functions(20 + number))) for number, one in enumerate(others)
    }
    assert compared(codes, hand_ins=[*items, *others]).pairs == ()
    found = students_of(compared(codes | {"s0": same}, hand_ins=[*items, *others]))
    assert found and all("s0" in pair for pair in found)


@pytest.mark.parametrize("odd", ["", "\0\0", "x", "'''", "\\", "(" * 5000, "é" * 100, "\ud800"])
def test_odd_files_are_compared_without_an_error(odd: str) -> None:
    whole = "".join(functions(1))
    found = compared({"ada": code(odd), "bob": code(odd, whole), "eve": code(whole)})
    assert {"bob", "eve"} in students_of(found)


def test_without_copydetect_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "copydetect", None)
    with pytest.raises(UsageError, match=r"pip install 'copydetect>=0\.5'"):
        read_class(rubric(criterion()), [HandIn("ada", (tmp_path,))], lambda *_: None)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 390)])
def test_the_page_keeps_nobody_out(page: Page, tmp_path: Path, scheme: str, width: int) -> None:
    text = "".join(functions(1)) + f"# {'long ' * 60}\n"
    codes = {name: code(text) for name in ("ada", "bob")}
    file = tmp_path / "similar.html"
    file.write_text(render_similar(compared(codes), codes, {"ada": "Ada"}, "Homework"), "utf-8")
    keeps_nobody_out(page, file, scheme, width)
    assert page.locator("#pair-1 mark").count() > 20


HOSTILE = '</pre></mark><script>alert(1)</script>"\' {{ 7 * 7 }} \N{RIGHT-TO-LEFT OVERRIDE}'


def test_a_class_gets_a_page_with_both_sides_escaped_and_keeps_its_marks(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[  # type: ignore[no-untyped-call]
        nbformat.v4.new_code_cell(   # type: ignore[no-untyped-call]
            "!pip install torch\n" + "".join(functions(1, name="n"))
        )
    ])  # fmt: skip
    hostile = functions(1)
    hostile.insert(3, f"# {HOSTILE}\n")
    work = write_files(tmp_path / "class", {
        "ada.ipynb": nbformat.writes(notebook),   # type: ignore[no-untyped-call]
        "bob/<b>&{{x}}.py": "".join(hostile),
        "bob/utils.py": "".join(functions(7, 1)),
        "eve.py": "".join(functions(8)),
        "zed.zip": b"no zip at all",
        "roster.csv": "student,name,attempt,folder\nada,=Ada <i>,1,ada.ipynb\nbob,,1,bob\n"
                      "eve,,1,eve.py\nzed,,1,zed.zip\n",
    })  # fmt: skip
    homework = write_files(tmp_path / "hw", {"rubric.yaml": (
        "title: T & <t>\ntotal: 1\ncap: 1\ncriteria:\n"
        "  - {id: a, title: A, part: a, check: written, answer: a, points: 1}\n"
    )}) / "rubric.yaml"  # fmt: skip
    out = tmp_path / "out"
    grade(work, homework, out, options=RunOptions(sandbox="process"))
    marks = (out / "grades.csv").read_bytes(), (out / "grades.json").read_bytes()
    assert "Similar code" not in (out / "report.html").read_text("utf-8")
    done = CliRunner().invoke(
        cli, ["similar", str(work), "--rubric", str(homework), "--out", str(out)],
        catch_exceptions=False, standalone_mode=False,
    )  # fmt: skip
    assert "=Ada <i> (ada)  and  bob" in done.output, done.output
    assert "no mark was changed" in done.output
    (pair,) = (read_pairs(out) or pytest.fail("no file")).pairs
    assert set(pair.students) == {"ada", "bob"}
    assert marks == ((out / "grades.csv").read_bytes(), (out / "grades.json").read_bytes())
    report = (out / "report.html").read_text("utf-8")
    assert "Similar code: 1 pair" in report
    assert 'href="similar.html#pair-1"' in report
    page = (out / "similar.html").read_text("utf-8")
    for escaped in ("&lt;script&gt;alert(1)", "=Ada &lt;i&gt;", "T &amp; &lt;t&gt;", "{{ 7 * 7 }}"):
        assert escaped in page
    for active in ("<script", "<i>", "<b>", "\N{RIGHT-TO-LEFT OVERRIDE}"):
        assert active not in page
    assert '<li class="match">' in page
    assert json.loads((out / "similar.json").read_text())["submissions"] == 4
