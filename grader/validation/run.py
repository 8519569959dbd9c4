"""Runs a validation: grades all cases and samples, and writes the report.

The reference, the starter, mutants, variants and samples are graded together as a class, by the
ordinary pipeline.
"""

from __future__ import annotations

import platform
import tempfile
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from grader import __version__
from grader.checks.registry import checks_with
from grader.errors import UsageError
from grader.grading.gradebook_file import in_memory
from grader.records import Grade
from grader.reports.student.render import render_page
from grader.rubric.model import Rubric, did_you_mean
from grader.run.cache.file import no_cache
from grader.run.grade_class import Class, Watcher, grade_class
from grader.run.options import RunOptions
from grader.submissions.discover import HandIn, discover
from grader.text import counted
from grader.validation.corpus import Corpus, lay_out, load_corpus
from grader.validation.expected_marks import SampleMarks, differences, sample_marks
from grader.validation.outcomes import Case, accuracies, conclude
from grader.validation.report import INTERVAL, ValidationReport, as_json, as_junit, sentences

JSON, XML, PAGE = "validation.json", "validation.xml", "validation.html"


@dataclass(frozen=True)
class Plan:
    """The cases and samples to grade as hand-ins, and the folder of the samples, if any."""

    cases: Mapping[str, Case]   # by the name under which it is graded
    hand_ins: tuple[HandIn, ...]
    samples: Path | None


def validate(
    rubric: Rubric, samples: Path | None, only: Collection[str], out: Path, options: RunOptions,
    watcher: Watcher, stop: threading.Event | None = None,
) -> ValidationReport:
    """Grade all cases and samples, and write the report and each one's feedback into `out`.

    Args:
        rubric: The rubric to validate.
        samples: As in `make_plan`.
        only: As in `make_plan`.
        out: The folder for the report and the feedback.
        options: How to carry out the run.
        watcher: Follows it.
        stop: Once set, no new case begins. The report then says how many are missing.
    """
    began, started = datetime.now(UTC), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="grader-validate-") as folder, in_memory() as book:
        plan = make_plan(rubric, samples, only, Path(folder))
        homework = Class(rubric, plan.hand_ins, plan.hand_ins, out)
        ran = grade_class(homework, options, book, no_cache(), watcher, stop)
    stopped = f"Stopped: {counted(ran.left, 'case')} not begun."
    faults = [*ran.faults, *[stopped] * bool(ran.left)]
    report = make_report(rubric, plan, ran.grades, faults, {
        "grader": __version__,
        "profile": rubric.profile,
        "sandbox": options.sandbox,
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "began": began.isoformat(timespec="seconds"),
    }, time.monotonic() - started, ran.left)
    (out / JSON).write_text(as_json(report), encoding="utf-8")
    (out / XML).write_text(as_junit(report), encoding="utf-8")
    page = render_page(
        "validation.html.j2", report=report, sentences=sentences, interval=INTERVAL
    )
    (out / PAGE).write_text(page, encoding="utf-8")
    return report


def make_plan(
    rubric: Rubric, samples: Path | None, only: Collection[str], workspace: Path
) -> Plan:
    """Write all cases into `workspace` and list what to grade.

    Args:
        rubric: The rubric, which names the reference, the starter and the folder of the cases.
        samples: A class folder of samples with an `expected.yaml`; None: no samples.
        only: Names of the mutants and variants to grade; empty: everything.
        workspace: Where rewritten cases are written.

    Raises:
        UsageError: The instructor's files have a mistake.
    """
    corpus = _corpus(rubric)
    tried = [] if corpus is None else list(corpus.all())
    names = [case.name for case in tried]
    for name in only:
        if name not in names:
            raise UsageError(f"no mutant or variant '{name}'{did_you_mean(name, names)}")
    cases: dict[Case, Path] = {}
    if not only:
        cases[Case("reference", "reference", "the reference solution")] = rubric.reference
        if rubric.starter is not None:
            cases[Case("starter", "starter", "what students start from",
                       frozenset(automatic(rubric)))] = _existing(rubric.starter, "starter")
    for case in tried:
        if not only or case.name in only:
            assert corpus is not None
            cases[case] = lay_out(corpus, case, workspace / f"{case.kind}s")
    hand_ins = [HandIn(case.key, (path.resolve(),)) for case, path in cases.items()]
    taken = {one.student for one in hand_ins}
    for item in discover(samples) if samples else ():
        if item.student in taken:
            raise UsageError(f"{samples}: a sample is called '{item.student}', like a case of the "
                             "validation; rename the sample")
        hand_ins.append(item)
    return Plan({case.key: case for case in cases}, tuple(hand_ins), samples)


def make_report(
    rubric: Rubric, plan: Plan, grades: Iterable[Grade], faults: Iterable[str],
    environment: Mapping[str, str], seconds: float, left: int = 0,
) -> ValidationReport:
    """Compare the grades with what they must be.

    Args:
        rubric: The rubric that was validated.
        plan: The cases and samples.
        grades: Their grades; those of a validation that was stopped are not complete.
        faults: Errors of the run itself.
        environment: When, where and with which versions it ran.
        seconds: Time that it took.
        left: Cases and samples that were not begun.
    """
    criteria = automatic(rubric)
    by_student = {grade.student: grade for grade in grades}
    concluded = tuple(conclude(case, by_student.pop(student), criteria)
                      for student, case in plan.cases.items() if student in by_student)
    wrong = [*faults]
    samples: tuple[SampleMarks, ...] = ()
    if plan.samples is not None and not left:
        marks = plan.samples / "expected.yaml"
        samples = sample_marks(marks, by_student.values())
        wrong = [*differences(marks, by_student.values()), *wrong]
    figures = tuple(accuracies(concluded, criteria))
    return ValidationReport(
        rubric.title, criteria, concluded, figures, environment, seconds, tuple(wrong), samples,
        left,
    )


def automatic(rubric: Rubric) -> tuple[str, ...]:
    """Return the ids of the criteria that the grader marks by itself."""
    checks = checks_with(rubric.own_files)
    return tuple(one.id for one in rubric.criteria if not checks[one.check].by_hand)


def _corpus(rubric: Rubric) -> Corpus | None:
    if rubric.validation is None:
        return None
    folder = _existing(rubric.validation, "validation")
    return load_corpus(folder, rubric.reference, automatic(rubric))


def _existing(folder: Path, key: str) -> Path:
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder; create it, or remove '{key}' from "
                         "the rubric")
    return folder
