"""Packages import downwards only. docs/architecture.md shows the layers."""

from __future__ import annotations

import ast
import functools
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "grader"

# Lowest first. A module imports only its own package and what stands above it in this list.
LAYERS = (
    "errors", "text", "wire", "packing", "stopwatch", "records",
    "rubric", "worker", "submissions", "sandbox", "checks", "grading", "reports",
    "run", "marking", "validation", "export", "api", "cli", "own", "__main__",
)  # fmt: skip
MOST_AT_THE_TOP = 10
ONLY_IMPORTERS = {
    "pytest": {"grader/checks/pytest_runner/__main__.py"},
    "docker": {"grader/sandbox/docker/engine.py"},
    "requests": {"grader/sandbox/docker/engine.py"},
    "jinja2": {"grader/reports/student/render.py"},
    "markupsafe": {"grader/reports/student/render.py"},
    "matplotlib": {"grader/reports/student/svg.py"},
    "watchfiles": {"grader/cli/watch.py"},
    "copydetect": {"grader/run/similar.py"},
    "pygments": {"grader/submissions/code_tokens.py"},
    "nbformat": {"grader/submissions/notebook.py"},
    "IPython": {"grader/submissions/ipython_syntax.py"},
    "starlette": {"grader/marking/app.py", "grader/marking/auth.py"},
    "uvicorn": {"grader/marking/server.py"},
    "markdown_it": {"grader/marking/rendering.py"},
    "latex2mathml": {"grader/marking/rendering.py"},
    "ray": {
        f"grader/sandbox/pools/ray_{name}.py" for name in ("cluster", "node", "sandbox")
    },
    "platformdirs": {"grader/run/open.py"},
    "pyseccomp": {"grader/sandbox/pools/seccomp_filter.py"},
    "sklearn": {"grader/run/data/sources.py"},
    "scipy": {"grader/validation/calibration/statistics.py"},
    "junitparser": {"grader/reports/junit_xml.py"},
    "filelock": {"grader/grading/gradebook_file.py", "grader/run/workspace.py"},
    # The rubric; the marks that samples must get; the metadata of a Gradescope export.
    "ruamel": {
        "grader/rubric/load.py", "grader/submissions/gradescope.py",
        "grader/validation/expected_marks.py",
    },
}  # fmt: skip
# Libraries that whole packages import, and nothing else.
ONLY_PACKAGES = {
    "click": {"cli"},
    "rich": {"cli"},
    "sqlite3": {"grading", "marking", "run"},
    "torch": {"worker"},
    "torchvision": {"worker"},
}
HEAVY = (
    "torch", "docker", "matplotlib", "pydantic", "jinja2", "numpy", "sklearn", "starlette",
    "uvicorn", "markdown_it", "IPython", "ray",
)  # fmt: skip


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@functools.cache
def imported(path: Path) -> frozenset[str]:
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
    return frozenset(found)


def top(module: str) -> str:
    return module.partition(".")[0]


def layer(module: str) -> str:
    """The package or top-level module that a module of ours belongs to; "" for `grader` itself."""
    return module.removeprefix("grader").lstrip(".").partition(".")[0]


def ours(path: Path) -> Iterator[str]:
    return (module for module in imported(path) if top(module) == "grader")


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def test_the_top_level_holds_few_modules() -> None:
    loose = sorted(path.name for path in PACKAGE.glob("*.py"))
    assert len(loose) <= MOST_AT_THE_TOP, loose


def test_every_module_belongs_to_a_layer() -> None:
    assert {layer(name) for name in MODULES} - {""} <= set(LAYERS)


@pytest.mark.parametrize("name", LAYERS)
def test_imports_go_downwards_only(name: str) -> None:
    allowed = {"", *LAYERS[: LAYERS.index(name) + 1]}
    for module, path in MODULES.items():
        if layer(module) == name:
            upwards = [other for other in ours(path) if layer(other) not in allowed]
            assert upwards == [], f"{module} imports what stands above it"


def test_no_modules_import_each_other_in_a_circle() -> None:
    # `grader` itself imports its exports only for type checkers, and when they are used.
    graph = {
        name: set(ours(path)) & set(MODULES) - {name, "grader"} for name, path in MODULES.items()
    }
    graphlib.TopologicalSorter(graph).prepare()   # raises CycleError, which names the circle


def test_every_package_says_what_belongs_in_it() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert text and len(text) > 80, f"{path}: what belongs here, and what does not?"


def test_the_worker_imports_only_what_its_image_has() -> None:
    allowed = {"numpy", "torch", "torchvision", "PIL", *sys.stdlib_module_names}
    for name, path in MODULES.items():
        if not within(name, "grader.worker"):
            continue
        for module in imported(path):
            if top(module) == "grader":
                shared = module in ("grader.packing", "grader.stopwatch", "grader.wire")
                assert shared or within(module, "grader.worker"), (name, module)
            else:
                assert top(module) in allowed, (name, module)


@pytest.mark.parametrize("name", ["wire.py", "stopwatch.py"])
def test_wire_and_stopwatch_need_the_standard_library_only(name: str) -> None:
    assert {top(module) for module in imported(PACKAGE / name)} <= sys.stdlib_module_names


def test_packing_needs_numpy_besides() -> None:
    allowed = {"numpy", *sys.stdlib_module_names}
    assert {top(module) for module in imported(PACKAGE / "packing.py")} <= allowed


def test_the_image_holds_the_worker_and_nothing_else_of_ours() -> None:
    copied: set[str] = set()
    for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words and words[0] in ("COPY", "ADD"):
            copied |= {word for word in words[1:-1] if not word.startswith("--")}
    assert {name for name in copied if name.startswith("grader/")} == {
        "grader/__init__.py", "grader/packing.py", "grader/stopwatch.py", "grader/wire.py",
        "grader/worker/",
    }


def test_the_host_never_imports_the_worker() -> None:
    for name, path in MODULES.items():
        if not within(name, "grader.worker"):
            assert not any(within(module, "grader.worker") for module in ours(path)), name


# What parses a submission. A child process imports it; so does this process, for trusted files.
PARSERS = {
    "archives", "notebook", "ipython_syntax", "documents", "code_in_texts", "script_texts",
    "written_answers", "answer_files", "bounded_reader", "reading",
}  # fmt: skip


def test_the_grader_parses_no_submission_in_its_own_process() -> None:
    parsers = {f"grader.submissions.{name}" for name in PARSERS}
    for name, path in MODULES.items():
        text = path.read_text(encoding="utf-8")
        if not within(name, "grader.submissions"):
            assert not parsers & imported(path), name
            trusted = name in ("grader.run.reference", "grader.validation.calibration.runs")
            assert trusted or "prepare_trusted" not in text, name


@pytest.mark.parametrize("library", sorted(ONLY_IMPORTERS))
def test_a_library_has_its_own_importer(library: str) -> None:
    importers = {
        path.relative_to(ROOT).as_posix()
        for path in MODULES.values()
        if library in map(top, imported(path))
    }
    assert importers == ONLY_IMPORTERS[library]


@pytest.mark.parametrize("library", sorted(ONLY_PACKAGES))
def test_a_library_stays_in_its_packages(library: str) -> None:
    importers = {
        layer(name) for name, path in MODULES.items() if library in map(top, imported(path))
    }
    assert importers == ONLY_PACKAGES[library]


def test_only_the_command_line_prints() -> None:
    # The bundle's check.py runs alone on a student's machine, and the worker runs students' code.
    apart = ("grader.cli", "grader.worker", "grader.export.student_bundle.check")
    for name, path in MODULES.items():
        if not any(within(name, place) for place in apart):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    assert node.func.id != "print", f"{path}:{node.lineno}"


# Who may speak of residual networks and of CIFAR: the checks that are about them, what draws and
# builds such networks, and what knows that data set. All else serves any homework.
SPECIAL = (
    "grader/checks/", "grader/run/data/sources.py", "grader/rubric/model.py",
    "grader/worker/networks/", "grader/worker/shims/", "grader/worker/dataset_view.py",
    "grader/worker/probes/script_run.py", "grader/worker/probes/training_entry.py",
)  # fmt: skip


def test_only_what_is_about_residual_networks_speaks_of_them() -> None:
    for path in MODULES.values():
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(SPECIAL):
            text = path.read_text(encoding="utf-8").lower()
            assert not {word for word in ("resnet", "residual", "cifar") if word in text}, name


def test_the_command_line_starts_without_anything_heavy() -> None:
    code = f"import sys, grader.cli.app; print([m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
