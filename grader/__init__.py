"""An autograding harness for deep-learning homework in PyTorch.

    import grader

    results = grader.grade("submissions/", rubric="rubric.yaml", out="results")
    results = grader.check("hw2.py")

The worker's image has this file and none of the modules behind these names, so they are imported
when they are first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.api import Results, check, grade
    from grader.errors import GraderError
    from grader.run.options import RunOptions

__version__ = "0.1.0"
__all__ = ["GraderError", "Results", "RunOptions", "__version__", "check", "grade"]

_HOMES = {
    "GraderError": "grader.errors", "Results": "grader.api", "RunOptions": "grader.run.options",
    "check": "grader.api", "grade": "grader.api",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'grader' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
