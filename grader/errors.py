"""What can go wrong in the harness itself. A student's mistake is data, never one of these."""


class GraderError(Exception):
    """Base of every error that the grader raises on purpose; its text is for the instructor.

    The text says where, what was found, what was expected, and what to do next.
    """


class UsageError(GraderError):
    """The command line or a file that the instructor wrote asks for something impossible."""


class RubricError(UsageError):
    """`rubric.yaml` is not valid; the text names file and line."""


class CheckError(UsageError):
    """A check of the instructor's own cannot be used; the text names file and line."""


class RefusedArchive(GraderError):
    """A submission's archive is not unpacked, for a reason that the student is told."""


class DataError(UsageError):
    """A dataset is not where it was said to be, or is not what it was said to be."""


class SandboxError(GraderError):
    """The sandbox could not do its work, through no fault of the submission in it."""


class EngineMissing(SandboxError):
    """No Docker Engine answers."""


class ImageMissing(SandboxError):
    """The worker's image is not there and could not be built."""


class GpuUnavailable(SandboxError):
    """A GPU was asked for and the engine cannot lend one."""
