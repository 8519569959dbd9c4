"""Old name of `grader.checks.custom.api`, kept for one release."""

from grader.checks.custom.api import *  # noqa: F403  `__all__` below says which names
from grader.checks.custom.api import __all__ as __all__
