"""Workflows for GitHub Actions and GitLab: the homework validates itself, and a student's push is
checked. The latter goes into the starter, from where `grader release` hands it out.
"""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Literal

from grader.cli.scaffold.homework import REQUIREMENTS, requirements, write_new
from grader.errors import UsageError

Service = Literal["github", "gitlab"]
_TEMPLATES = Path(__file__).parent / "ci"
_PLACES = {
    "github": (".github/workflows/validate.yml", ".github/workflows/check.yml"),
    "gitlab": (".gitlab-ci.yml", ".gitlab-ci.yml"),
}
_CODE = (".py", ".ipynb")


def write_workflows(folder: Path, starter: Path, samples: bool, service: Service) -> list[Path]:
    """For the homework in a folder, whose students start from `starter`; `samples` says whether
    there are some to validate by. Raises UsageError."""
    homework, student = _PLACES[service]
    file = _file_of(starter)
    words = {
        "samples": " --samples submissions" if samples else "",
        "file": file,
        "student": Path(file).stem,
    }
    texts = {
        folder / homework: _filled(f"{service}-homework.yml", words),
        starter / student: _filled(f"{service}-student.yml", words),
    }
    if not (folder / REQUIREMENTS).exists():
        texts[folder / REQUIREMENTS] = requirements()
    return write_new(texts)


def _file_of(starter: Path) -> str:
    code = sorted(path.name for path in starter.iterdir() if path.suffix in _CODE)
    if not code:
        raise UsageError(f"{starter}: no .py or .ipynb in it; students start from one")
    return code[0]


def _filled(name: str, words: dict[str, str]) -> str:
    # GitHub's own expressions begin with a dollar sign as well: they are kept as they are.
    return _Template((_TEMPLATES / name).read_text(encoding="utf-8")).substitute(words)


class _Template(Template):
    delimiter = "@@"
