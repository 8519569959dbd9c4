"""Writes workflows for GitHub Actions and GitLab CI.

One validates the homework at each push. The other checks a student's work; it goes into the
starter, and `grader release` hands it out with the starter.
"""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Literal

from grader.cli.scaffold.homework import REQUIREMENTS, requirements, write_new
from grader.errors import UsageError

Service = Literal["github", "gitlab"]
_TEMPLATES = Path(__file__).parent / "ci"
# The homework's workflow, then the student's.
_TARGETS = {
    "github": (".github/workflows/validate.yml", ".github/workflows/check.yml"),
    "gitlab": (".gitlab-ci.yml", ".gitlab-ci.yml"),
}
_CODE = (".py", ".ipynb")


def write_workflows(folder: Path, starter: Path, samples: bool, service: Service) -> list[Path]:
    """Writes both workflows, and requirements.txt if there is none; returns what was written.

    Args:
        folder: the homework's folder.
        starter: the folder that students start from.
        samples: true if the homework has sample submissions to validate.
        service: the CI service that runs the workflows.

    Raises UsageError, and writes nothing, if a workflow exists or the starter has no code.
    """
    homework, student = _TARGETS[service]
    file = _code_file(starter)
    values = {
        "samples": " --samples submissions" if samples else "",
        "file": file,
        "student": Path(file).stem,
    }
    texts = {
        folder / homework: _filled(f"{service}-homework.yml", values),
        starter / student: _filled(f"{service}-student.yml", values),
    }
    if not (folder / REQUIREMENTS).exists():
        texts[folder / REQUIREMENTS] = requirements()
    return write_new(texts)


def _code_file(starter: Path) -> str:
    code = sorted(path.name for path in starter.iterdir() if path.suffix in _CODE)
    if not code:
        raise UsageError(f"{starter}: no .py or .ipynb in it; students start from one")
    return code[0]


def _filled(name: str, values: dict[str, str]) -> str:
    return _Template((_TEMPLATES / name).read_text(encoding="utf-8")).substitute(values)


class _Template(Template):
    """A template whose placeholders begin with @@, since GitHub's expressions begin with $."""

    delimiter = "@@"
