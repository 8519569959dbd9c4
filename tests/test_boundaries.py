"""Who may import whom: the rooms of docs/architecture.md, read off the sources by their syntax."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "grader"

FOUNDATIONS = {
    "grader": set(),   # holds the version
    "grader.errors": set(),
    "grader.reports.junit_xml": {"grader.text"},
    "grader.grading.marks": {"grader.records"},
    "grader.run.lazy": set(),
    "grader.packing": set(),
    "grader.run.event_log": {"grader.text", "grader.records"},
    "grader.text": set(),
    "grader.records": set(),
    "grader.files": set(),
    "grader.wire": set(),
    "grader.rubric.local_time": set(),
    "grader.rubric.class_lists": {
        "grader.rubric.late_policy", "grader.errors", "grader.submissions.roster", "grader.rubric",
    },
    "grader.rubric.late_policy": {"grader.rubric.local_time", "grader.rubric.base"},
    "grader.submissions.roster": {"grader.errors", "grader.text"},
    "grader.submissions.canvas_gradebook": {"grader.errors"},
    "grader.rubric": {"grader.rubric.late_policy", "grader.rubric.base"},
    "grader.rubric.base": set(),
    "grader.rubric.load": {
        "grader.rubric.class_lists", "grader.rubric.late_policy", "grader.errors", "grader.rubric",
    },
    "grader.rubric.edit": {"grader.errors", "grader.rubric", "grader.rubric.load"},
    "grader.validation.calibration.statistics": set(),
    "grader.checks.answer_key": {"grader.errors", "grader.records", "grader.rubric", "grader.wire"},
    "grader.run.recorded_answers": {"grader.checks.answer_key", "grader.errors", "grader.records", "grader.wire"},
    "grader.checks.probe": {"grader.errors", "grader.packing", "grader.records"},
    "grader.sandbox.answer_schema": {"grader.packing", "grader.records", "grader.wire"},
}
# Stages: the modules of one may import each other and the foundations, and no other stage.
STAGES = {
    "submissions": {
        "grader.submissions.written_answers",
        "grader.submissions.archives",
        "grader.submissions.canvas",
        "grader.submissions.discover",
        "grader.submissions.collect",
        "grader.submissions.layout",
        "grader.submissions.gradescope",
        "grader.submissions.bounded_reader",
        "grader.submissions.import_download",
        "grader.submissions.safe_writer",
        "grader.submissions.notebook",
        "grader.submissions.suspicious_code",
        "grader.submissions.student_names",
        "grader.submissions",
    },
    "data": {"grader.run.data.datasets", "grader.run.data.sources"},
    "checks": {"grader.checks"},
    "sandbox": {"grader.sandbox"},
    "schedule": {"grader.run.schedule"},
    "workspace": {"grader.run.workspace"},
    "gradebook": {
        "grader.run.cache.file",
        "grader.marking.drafts",
        "grader.run.cache.evidence",
        "grader.grading.gradebook",
        "grader.grading.gradebook_file",
        "grader.grading.history",
        "grader.marking.mark_store",
        "grader.run.cache.pages",
    },
    "grading": {"grader.grading.attempts", "grader.grading", "grader.grading.late_penalty"},
    "pages": {"grader.reports.student", "grader.reports.class_report"},
    "export": {"grader.export"},
    "marking": {"grader.marking.auth", "grader.marking.rendering"},
    "releasing": {"grader.export.student_bundle"},
    "scaffolding": {"grader.cli.scaffold"},
    "validation": {"grader.validation"},
    "testing": {"grader.checks.pytest_runner"},
}
# What puts stages together.
ABOVE = {
    "grader.__main__",
    "grader.run.jobs",
    "grader.validation.calibration.runs",
    "grader.submissions.own_work",
    "grader.validation.calibration.hardware",
    "grader.run.grade_class",
    "grader.cli",
    "grader.cli.calibrate",
    "grader.cli.completion",
    "grader.cli.explain",
    "grader.cli.export",
    "grader.cli.maintenance",
    "grader.cli.import_",
    "grader.cli.mark",
    "grader.cli.options",
    "grader.cli.setup",
    "grader.cli.student",
    "grader.cli.validate",
    "grader.run.explain.compare",
    "grader.run.conditions",
    "grader.cli.doctor",
    "grader.submissions.enrolment",
    "grader.run.context",
    "grader.run.pytest_session",
    "grader.validation.expected_marks",
    "grader.run.explain.explain",
    "grader.run.fingerprint",
    "grader.cli.progress",
    "grader.marking",
    "grader.marking.answers",
    "grader.marking.app",
    "grader.marking.payloads",
    "grader.marking.service",
    "grader.marking.server",
    "grader.marking.spreadsheet",
    "grader.run.cache.recall",
    "grader.export.autograder",
    "grader.export.autograder.__main__",
    "grader.export.autograder.bundle",
    "grader.run.open",
    "grader.checks.custom.api",
    "grader.run.pipeline",
    "grader.validation.calibration.propose",
    "grader.run.refresh",
    "grader.run.recheck",
    "grader.export.student_bundle.release",
    "grader.run.results_folder",
    "grader.validation.run",
    "grader.grading.standing",
    "grader.run.explain.traces",
    "grader.cli.watch",
}
ONLY_IMPORTERS = {
    "pytest": {"grader/checks/pytest_runner/__main__.py"},
    "docker": {"grader/sandbox/docker/engine.py"},
    "requests": {"grader/sandbox/docker/engine.py"},
    "jinja2": {"grader/reports/student/render.py"},
    "markupsafe": {"grader/reports/student/render.py"},
    "matplotlib": {"grader/reports/student/svg.py"},
    "watchfiles": {"grader/cli/watch.py"},
    "nbformat": {"grader/submissions/notebook.py"},
    "click": {
        "grader/cli/app.py",
        "grader/cli/calibrate.py",
        "grader/cli/completion.py",
        "grader/cli/explain.py",
        "grader/cli/export.py",
        "grader/cli/maintenance.py",
        "grader/cli/import_.py",
        "grader/cli/mark.py",
        "grader/cli/options.py",
        "grader/cli/setup.py",
        "grader/cli/student.py",
        "grader/cli/validate.py",
    },
    "filelock": {"grader/grading/gradebook_file.py", "grader/run/workspace.py"},
    "sqlite3": {
        "grader/run/cache/file.py",
        "grader/marking/drafts.py",
        "grader/grading/gradebook.py",
        "grader/grading/gradebook_file.py",
        "grader/grading/history.py",
        "grader/marking/mark_store.py",
    },
    "starlette": {"grader/marking/app.py", "grader/marking/auth.py"},
    "uvicorn": {"grader/marking/server.py"},
    "markdown_it": {"grader/marking/rendering.py"},
    "latex2mathml": {"grader/marking/rendering.py"},
    "platformdirs": {"grader/run/open.py"},
    "sklearn": {"grader/run/data/sources.py"},
    "scipy": {"grader/validation/calibration/statistics.py"},
    # The rubric; the marks that samples must get; the metadata of a Gradescope export.
    "ruamel": {"grader/rubric/load.py", "grader/validation/expected_marks.py", "grader/submissions/gradescope.py"},
}
HEAVY = (
    "torch", "docker", "matplotlib", "pydantic", "jinja2", "numpy", "sklearn", "starlette",
    "uvicorn", "markdown_it",
)  # fmt: skip


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@functools.cache
def imported(path: Path) -> set[str]:
    """Every module that a file imports anywhere, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            assert node.module is not None
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in inner}
    return found


def top(module: str) -> str:
    return module.partition(".")[0]


def within(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def stage_of(module: str) -> str | None:
    return next(
        (name for name, rooms in STAGES.items() if any(within(module, room) for room in rooms)),
        None,
    )


def host_modules() -> Iterator[tuple[str, Path]]:
    return ((name, path) for name, path in MODULES.items() if not within(name, "grader.worker"))


def test_every_module_has_its_place_in_the_picture() -> None:
    placed = {*FOUNDATIONS, *ABOVE}
    lost = [name for name, _ in host_modules() if name not in placed and stage_of(name) is None]
    assert lost == []


def test_the_worker_imports_only_what_its_image_has() -> None:
    allowed = {"numpy", "torch", "torchvision", "PIL", *sys.stdlib_module_names}
    for name, path in MODULES.items():
        if not within(name, "grader.worker"):
            continue
        for module in imported(path):
            if top(module) == "grader":
                shared = module in ("grader.packing", "grader.wire")
                assert shared or within(module, "grader.worker"), (name, module)
            else:
                assert top(module) in allowed, (name, module)


def test_wire_needs_the_standard_library_only() -> None:
    assert {top(module) for module in imported(PACKAGE / "wire.py")} <= sys.stdlib_module_names


def test_packing_needs_numpy_besides() -> None:
    allowed = {"numpy", *sys.stdlib_module_names}
    assert {top(module) for module in imported(PACKAGE / "packing.py")} <= allowed


def test_the_image_holds_the_worker_and_nothing_else_of_ours() -> None:
    copied: set[str] = set()
    for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words and words[0] in ("COPY", "ADD"):
            copied |= {word for word in words[1:-1] if not word.startswith("--")}
    assert copied == {
        "grader/__init__.py", "grader/packing.py", "grader/wire.py", "grader/worker/"
    }
    assert imported(PACKAGE / "__init__.py") == set()


@pytest.mark.parametrize("library", sorted(ONLY_IMPORTERS))
def test_a_library_has_its_own_importer(library: str) -> None:
    importers = {
        path.relative_to(ROOT).as_posix()
        for path in MODULES.values()
        if library in map(top, imported(path))
    }
    assert importers == ONLY_IMPORTERS[library]


def test_torch_stays_in_the_worker() -> None:
    for name, path in host_modules():
        assert not {"torch", "torchvision"} & set(map(top, imported(path))), name


# Who may speak of residual networks and of CIFAR: the checks that are about them, what draws and
# builds such networks, and what knows that data set. All else serves any homework.
SPECIAL = (
    "grader/checks/", "grader/run/data/sources.py", "grader/rubric/model.py", "grader/worker/networks/resnet.py",
    "grader/worker/networks/variants.py", "grader/worker/stand_ins/", "grader/worker/dataset_view.py",
    "grader/worker/probes/script_run.py", "grader/worker/probes/training_entry.py",
)  # fmt: skip


def test_only_what_is_about_residual_networks_speaks_of_them() -> None:
    for path in MODULES.values():
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(SPECIAL):
            text = path.read_text(encoding="utf-8").lower()
            assert not {word for word in ("resnet", "residual", "cifar") if word in text}, name


def test_the_host_never_imports_the_worker() -> None:
    for name, path in host_modules():
        assert not any(within(module, "grader.worker") for module in imported(path)), name


def test_foundations_import_only_those_below_them() -> None:
    for name, allowed in FOUNDATIONS.items():
        ours = {module for module in imported(MODULES[name]) if top(module) == "grader"}
        assert ours <= allowed, name


def test_stages_do_not_import_each_other() -> None:
    for name, path in host_modules():
        stage = stage_of(name)
        if stage is None:
            continue
        for module in imported(path):
            if top(module) == "grader" and module not in FOUNDATIONS:
                assert stage_of(module) == stage, f"{name} imports {module}"


@pytest.mark.parametrize(
    ("module", "importers"),
    [
            ("grader.run.pipeline", {"grader.run.open", "grader.run.recheck", "grader.export.student_bundle.release"}),
        (
            "grader.run.open",
            {
                "grader.validation.calibration.runs", "grader.validation.calibration.hardware", "grader.run.grade_class",
                "grader.cli.student", "grader.export.autograder.__main__", "grader.run.recheck",
                "grader.export.student_bundle.release",
            },
        ),
        ("grader.run.grade_class", {"grader.cli", "grader.validation.run"}),
            ("grader.cli", {"grader.__main__"}),
        ],
)
def test_the_top_is_imported_from_above_only(module: str, importers: set[str]) -> None:
    found = {name for name, path in MODULES.items() if module in imported(path)}
    assert found == importers


def test_the_command_line_starts_without_anything_heavy() -> None:
    code = f"import sys, grader.cli; print([m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
