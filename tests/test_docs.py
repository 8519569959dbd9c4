"""The documentation covers every command, key of a rubric and check; no link is dead."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt

from grader.checks.registry import CHECKS, parameter_models
from grader.cli.app import cli
from grader.rubric.load import json_schema

PROJECT = Path(__file__).parent.parent
DOCS = PROJECT / "docs"
FOLDERS = (PROJECT, DOCS, DOCS / "contributing", *PROJECT.glob("examples/**"))
PAGES = sorted(page for folder in FOLDERS for page in folder.glob("*.md"))


@pytest.fixture(scope="module")
def listing() -> Any:
    """The module docs/commands.py, which belongs to no package."""
    spec = importlib.util.spec_from_file_location("commands", DOCS / "commands.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_on_the_command_line_matches_the_help(listing: Any) -> None:
    there = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert there == listing.page(), "run `python docs/commands.py`"


def test_every_command_and_option_has_a_sentence_of_help(listing: Any) -> None:
    missing = []
    for path, command in listing.commands(cli, "grader"):
        options = [item for item in command.params if item.param_type_name == "option"]
        missing += [path] if not command.help else []
        missing += [f"{path} {item.name}" for item in options if not getattr(item, "help", None)]
    assert not missing


def test_every_key_of_a_rubric_is_explained() -> None:
    page = (DOCS / "rubric.md").read_text(encoding="utf-8")
    schema = json_schema(parameter_models(()))
    for name in ("Calibration", "CalibrationRuns"):   # `grader calibrate` writes these
        del schema["$defs"][name]
    missing = [key for key in sorted(set(_keys(schema))) if f"`{key}`" not in page]
    assert not missing


def test_every_check_is_explained() -> None:
    page = (DOCS / "rubric.md").read_text(encoding="utf-8")
    assert not [check.name for check in CHECKS.values() if f"`{check.name}`" not in page]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PROJECT).as_posix())
def test_every_link_has_a_target(page: Path) -> None:
    dead = [link for link in _links(page) if not _has_target(page, link)]
    assert not dead


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the site's tools are in the extra 'docs'")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html",
         "-d", str(tmp_path / "doctrees"), str(DOCS), str(tmp_path / "site")],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "index.html").is_file()


def _keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        properties = schema.get("properties")
        yield from properties if isinstance(properties, dict) else ()
        for value in schema.values():
            yield from _keys(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _keys(value)


def _links(page: Path) -> Iterator[str]:
    """Yields the targets of links and pictures, as a Markdown parser finds them."""
    for block in MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8")):
        for token in block.children or ():
            target = token.attrs.get("href") or token.attrs.get("src")
            if target:
                yield str(target)


def _has_target(page: Path, link: str) -> bool:
    parts = urlsplit(link)
    if parts.scheme in ("http", "https", "mailto"):
        return True   # tests use no network
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.exists():
        return False
    return not parts.fragment or parts.fragment in _anchors(target)


def _anchors(page: Path) -> set[str]:
    """Anchors of headings as GitHub makes them: lower case, hyphens for spaces, no punctuation."""
    headings = re.findall(r"^#+ +(.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
