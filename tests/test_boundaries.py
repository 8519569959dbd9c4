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
    "grader.junit": {"grader.plaintext"},
    "grader.marks": {"grader.records"},
    "grader.once": set(),
    "grader.packing": set(),
    "grader.journal": {"grader.plaintext", "grader.records"},
    "grader.plaintext": set(),
    "grader.records": set(),
    "grader.replacing": set(),
    "grader.wire": set(),
    "grader.moments": set(),
    "grader.class_lists": {
        "grader.deadlines", "grader.errors", "grader.roster", "grader.rubric",
    },
    "grader.deadlines": {"grader.moments", "grader.rubric_base"},
    "grader.roster": {"grader.errors", "grader.plaintext"},
    "grader.canvas_gradebook": {"grader.errors"},
    "grader.rubric": {"grader.deadlines", "grader.rubric_base"},
    "grader.rubric_base": set(),
    "grader.rubric_file": {
        "grader.class_lists", "grader.deadlines", "grader.errors", "grader.rubric",
    },
    "grader.rubric_edit": {"grader.errors", "grader.rubric", "grader.rubric_file"},
    "grader.tolerance": set(),
    "grader.answer_key": {"grader.errors", "grader.records", "grader.rubric", "grader.wire"},
    "grader.recorded": {"grader.answer_key", "grader.errors", "grader.records", "grader.wire"},
    "grader.probe": {"grader.errors", "grader.packing", "grader.records"},
    "grader.testimony": {"grader.packing", "grader.records", "grader.wire"},
}
# Stages: the modules of one may import each other and the foundations, and no other stage.
STAGES = {
    "submissions": {
        "grader.answers",
        "grader.archives",
        "grader.canvas_export",
        "grader.class_folder",
        "grader.collecting",
        "grader.deliveries",
        "grader.gradescope_export",
        "grader.guarded",
        "grader.importing",
        "grader.landing",
        "grader.notebook",
        "grader.remarks",
        "grader.student_names",
        "grader.submissions",
    },
    "data": {"grader.data", "grader.data_sources"},
    "checks": {"grader.checks"},
    "sandbox": {"grader.sandbox"},
    "schedule": {"grader.schedule"},
    "workspace": {"grader.workspace"},
    "gradebook": {
        "grader.cache_file",
        "grader.drafts",
        "grader.evidence_cache",
        "grader.gradebook",
        "grader.gradebook_file",
        "grader.history",
        "grader.mark_book",
        "grader.page_cache",
    },
    "grading": {"grader.awarding", "grader.grading", "grader.late"},
    "pages": {"grader.feedback", "grader.report"},
    "export": {"grader.export"},
    "marking": {"grader.marking.guard", "grader.marking.rendering"},
    "releasing": {"grader.releasing"},
    "scaffolding": {"grader.scaffolding"},
    "validation": {"grader.validation"},
    "testing": {"grader.testing"},
}
# What puts stages together.
ABOVE = {
    "grader.__main__",
    "grader.asking",
    "grader.calibrating",
    "grader.checking",
    "grader.circumstances",
    "grader.class_run",
    "grader.cli",
    "grader.cli_calibrate",
    "grader.cli_completion",
    "grader.cli_explain",
    "grader.cli_export",
    "grader.cli_housekeeping",
    "grader.cli_import",
    "grader.cli_mark",
    "grader.cli_options",
    "grader.cli_setup",
    "grader.cli_student",
    "grader.cli_validation",
    "grader.comparing",
    "grader.conditions",
    "grader.doctor",
    "grader.enrolling",
    "grader.exam",
    "grader.examining",
    "grader.expected",
    "grader.explaining",
    "grader.fingerprint",
    "grader.live",
    "grader.marking",
    "grader.marking.answers",
    "grader.marking.app",
    "grader.marking.cards",
    "grader.marking.desk",
    "grader.marking.server",
    "grader.marking.sheet",
    "grader.memory",
    "grader.on_gradescope",
    "grader.on_gradescope.__main__",
    "grader.on_gradescope.bundle",
    "grader.opening",
    "grader.own",
    "grader.pipeline",
    "grader.proposing",
    "grader.renewing",
    "grader.rechecking",
    "grader.release",
    "grader.results",
    "grader.validation_run",
    "grader.standing",
    "grader.tracing",
    "grader.watching",
}
ONLY_IMPORTERS = {
    "pytest": {"grader/testing/__main__.py"},
    "docker": {"grader/sandbox/docker/engine.py"},
    "requests": {"grader/sandbox/docker/engine.py"},
    "jinja2": {"grader/feedback/render.py"},
    "markupsafe": {"grader/feedback/render.py"},
    "matplotlib": {"grader/feedback/canvas.py"},
    "watchfiles": {"grader/watching.py"},
    "nbformat": {"grader/notebook.py"},
    "click": {
        "grader/cli.py",
        "grader/cli_calibrate.py",
        "grader/cli_completion.py",
        "grader/cli_explain.py",
        "grader/cli_export.py",
        "grader/cli_housekeeping.py",
        "grader/cli_import.py",
        "grader/cli_mark.py",
        "grader/cli_options.py",
        "grader/cli_setup.py",
        "grader/cli_student.py",
        "grader/cli_validation.py",
    },
    "filelock": {"grader/gradebook_file.py", "grader/workspace.py"},
    "sqlite3": {
        "grader/cache_file.py",
        "grader/drafts.py",
        "grader/gradebook.py",
        "grader/gradebook_file.py",
        "grader/history.py",
        "grader/mark_book.py",
    },
    "starlette": {"grader/marking/app.py", "grader/marking/guard.py"},
    "uvicorn": {"grader/marking/server.py"},
    "markdown_it": {"grader/marking/rendering.py"},
    "latex2mathml": {"grader/marking/rendering.py"},
    "platformdirs": {"grader/opening.py"},
    "sklearn": {"grader/data_sources.py"},
    "scipy": {"grader/tolerance.py"},
    # The rubric; the marks that samples must get; the metadata of a Gradescope export.
    "ruamel": {"grader/rubric_file.py", "grader/expected.py", "grader/gradescope_export.py"},
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
    "grader/checks/", "grader/data_sources.py", "grader/rubric.py", "grader/worker/networks.py",
    "grader/worker/beyond.py", "grader/worker/stand_ins/", "grader/worker/view.py",
    "grader/worker/probes/frames.py", "grader/worker/probes/routes.py",
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
            ("grader.pipeline", {"grader.opening", "grader.rechecking", "grader.release"}),
        (
            "grader.opening",
            {
                "grader.calibrating", "grader.circumstances", "grader.class_run",
                "grader.cli_student", "grader.on_gradescope.__main__", "grader.rechecking",
                "grader.release",
            },
        ),
        ("grader.class_run", {"grader.cli", "grader.validation_run"}),
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
