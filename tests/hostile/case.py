"""A hostile submission, what must happen to it, and what did.

A case is a Python file in `submissions/GROUP/`. Its docstring says what it tries, and comments
below it say the rest:

    # on top of: honest pipe its code follows that of honest.py and pipe.py; without this it
                             stands alone
    # criteria: accuracy     what is graded (layer-counts, which is quick, if nothing is said)
    # must: Z                what must happen, see `Must`; of several words any one will do
    # runs in: docker        and process, where it does no harm there (docker if nothing is said)

    # file: torch.py         what follows is another file of the same submission
    # leak: LEAKED           a word that must not be in what the student is shown

Cases that are not a Python file (archives, notebooks) are made by the tests that use them.
"""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.records import Grade
from grader.run.schedule import Slots, in_slots
from grader.run.setup import RunSetup
from grader.sandbox.base import Sandbox
from grader.sandbox.docker import DockerSandbox, leftovers
from grader.submissions.discover import HandIn, hand_in
from tests.factories import grade_file

HERE = Path(__file__).parent
HONEST = HERE / "honest.py"
AT_A_TIME = 2   # cases of a class: with less than a core each they reach their limits too late

# Z: zero for every criterion, and the student's own doing.
# L: stopped; the word after it is the outcome that names the limit ("L memory_limit").
# R: refused before anything ran, with a reason.
# N: no effect: every criterion gets what the honest student gets, which is all.
# "5 points", "needs_marking": in these words, where that is what it earns without the attack.
# Code outside the allowlist earns its N or its points from a person only; that is N and points too.
Must = tuple[str, ...]
_ANOTHER = re.compile(r"^# file: (.+)\n", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """`name` is GROUP/FILE without its suffix; `others` are further files by their names."""

    name: str
    tries: str
    code: str
    must: Must
    criteria: tuple[str, ...] = ("layer-counts",)
    runs_in: tuple[str, ...] = ("docker",)
    others: Mapping[str, str] = field(default_factory=dict)
    leak: str = ""

    @property
    def group(self) -> str:
        return self.name.partition("/")[0]


def read_cases() -> list[Case]:
    return [_read(path) for path in sorted((HERE / "submissions").rglob("*.py"))]


def _read(path: Path) -> Case:
    text = path.read_text(encoding="utf-8")
    text, *more = _ANOTHER.split(text)
    said = dict(re.findall(r"^# (on top of|criteria|must|runs in|leak): (.+)$", text, re.MULTILINE))
    tries = ast.get_docstring(ast.parse(text))
    assert tries, f"{path}: the docstring says what is tried"
    assert "must" in said, f"{path}: '# must: ...' says what must happen"
    below = [HERE / f"{name}.py" for name in said.get("on top of", "").split()]
    above = "".join(file.read_text(encoding="utf-8") + "\n\n" for file in below)
    return Case(
        name=path.relative_to(HERE / "submissions").with_suffix("").as_posix(),
        tries=tries,
        code=above + text,
        must=tuple(said["must"].split(" or ")),
        criteria=tuple(said.get("criteria", "layer-counts").replace(",", " ").split()),
        runs_in=tuple(said.get("runs in", "docker").replace(",", " ").split()),
        others=dict(zip(more[::2], more[1::2], strict=True)),
        leak=said.get("leak", ""),
    )


@dataclass(frozen=True)
class Ending:
    """The result of grading a case.

    Attributes:
        grade: The grade of the case.
        containers: Containers of the case that are still there after it.
        next_one: What happened to the honest submission that came next; None where none did.
    """

    grade: Grade
    containers: tuple[str, ...] = ()
    next_one: Mapping[str, str] | None = None


def grade_cases(setup: RunSetup, cases: Sequence[Case], folder: Path) -> dict[str, Ending]:
    """Grades the cases as one class, AT_A_TIME of them at a time; their endings by name.

    Each case is graded by its own criteria. Its containers carry a label of its own, so that those
    it leaves are told from those of its neighbours. An honest submission takes the turn after each
    case that attacks the machine.
    """
    asker = dataclasses.replace(setup.asker, slots=Slots(AT_A_TIME))
    setup = dataclasses.replace(setup, asker=asker)

    def ending(numbered: tuple[int, Case]) -> tuple[str, Ending]:
        number, case = numbered
        own = folder / str(number)
        own.mkdir()
        sandbox = setup.sandbox
        if isinstance(sandbox, DockerSandbox):
            sandbox = dataclasses.replace(sandbox, run=f"{sandbox.run}-{number}")
        grade = grade_code(in_sandbox(setup, sandbox), case, own)
        left = containers(sandbox) if isinstance(sandbox, DockerSandbox) else []
        after = None
        if case.group == "resources":
            item = dataclasses.replace(hand_in(HONEST), student=f"honest-{number}")
            after = happened(grade_path(setup, item, ("layer-counts",)))
        return case.name, Ending(grade, tuple(left), after)

    # What reaches a limit waits for it, which costs the machine little: it begins first.
    in_order = sorted(cases, key=lambda case: case.group != "resources")
    return dict(in_slots(ending, enumerate(in_order), AT_A_TIME + 1, setup.asker.stop))


def containers(sandbox: DockerSandbox) -> list[str]:
    """The ids of the containers that carry this sandbox's label, running or not."""
    found = sandbox.engine.api.containers(
        all=True, filters={"label": f"{leftovers.RUN}={sandbox.run}"}
    )
    return [container["Id"] for container in found]


def grade_code(setup: RunSetup, case: Case, folder: Path) -> Grade:
    """Grades the case by its own criteria; its files are written to `folder`."""
    name = case.name.replace("/", "-")
    source = folder / name if case.others else folder
    source.mkdir(exist_ok=True)
    for file, code in {f"{name}.py": case.code, **case.others}.items():
        (source / file).write_text(code, encoding="utf-8")
    return grade_path(setup, source if case.others else source / f"{name}.py", case.criteria)


def in_sandbox(setup: RunSetup, sandbox: Sandbox) -> RunSetup:
    """A copy of the setup for this sandbox; the reference's answers are kept."""
    return dataclasses.replace(setup, asker=dataclasses.replace(setup.asker, sandbox=sandbox))


def grade_path(setup: RunSetup, source: Path | HandIn, criteria: tuple[str, ...]) -> Grade:
    """Grade a file, folder or archive by these criteria, through the whole pipeline."""
    chosen = tuple(one for one in setup.criteria if one.id in criteria)
    assert len(chosen) == len(criteria), criteria
    setup = dataclasses.replace(setup, criteria=chosen)
    return grade_file(setup, source)


def happened(grade: Grade) -> Mapping[str, str]:
    """The result by criterion: N, Z, R, L and its limit, or the points or status in words."""
    return {row.verdict.criterion: _word(grade, index) for index, row in enumerate(grade.criteria)}


def _word(grade: Grade, index: int) -> str:
    row = grade.criteria[index]
    outcome = str(row.verdict.seen.get("outcome", ""))
    if row.verdict.status == "needs_marking" and "without_doubt" in row.verdict.seen:
        share = float(row.verdict.seen["would_earn"])
        return f"needs_marking {'N' if share == 1 else f'{share * row.max:g} points'}"
    if row.verdict.status in ("not_scored", "needs_marking"):
        return row.verdict.status
    if row.verdict.status == "passed":
        return "N"
    if row.points != 0:
        return f"{row.points:g} points"
    if grade.submission.refused is not None:
        return "R"
    return f"L {outcome}" if outcome.endswith("_limit") else "Z"


def is_as_it_must(word: str, must: Must) -> bool:
    """A limit that struck is a zero, too."""
    status, _, earned = word.partition(" ")
    if status == "needs_marking" and (status in must or earned in must):
        return True
    return word in must or ("Z" in must and word.startswith("L ")) or (
        "L" in must and word.startswith("L ")
    )
