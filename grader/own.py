"""The old name of `grader.checks.custom.api`, kept for one release with its old names.

`Exam` is `EvalInputs`, and `Check` takes `needs_gold` for `needs_reference` and `testimony` for
`self_reported`.
"""

from typing import Any

from grader.checks.check import Check as _Check
from grader.checks.custom.api import *  # noqa: F403  `__all__` below says which names
from grader.checks.custom.api import EvalInputs as Exam
from grader.checks.custom.api import __all__ as _names

__all__ = [*_names, "Exam"]
_RENAMED = {"needs_gold": "needs_reference", "testimony": "self_reported"}


def Check(*args: Any, **options: Any) -> _Check:  # type: ignore[no-redef]  # noqa: N802  it stands in for the class
    """Create a `Check` from old or new option names."""
    return _Check(*args, **{_RENAMED.get(name, name): value for name, value in options.items()})
