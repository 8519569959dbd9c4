"""Errors of the harness and of instructors' files. A student's mistake is data."""


class GraderError(Exception):
    """Base of every error that the grader raises on purpose.

    Its text is for the instructor: where, what was found, what was expected, what to do next.
    """


class UsageError(GraderError):
    """The command line or a file that the instructor wrote cannot be carried out."""


class RubricError(UsageError):
    """`rubric.yaml` is not valid; the text names file and line."""


class CheckError(UsageError):
    """A custom check cannot be used; the text names file and line."""


class UnreadableArchive(GraderError):
    """An archive cannot be read, and a person has to look; the text is for the student."""


class RefusedArchive(UnreadableArchive):
    """An archive is made to do harm and is not unpacked; the text is for the student."""


class DataError(UsageError):
    """A dataset is missing, or its content is not what the rubric says."""


class SandboxError(GraderError):
    """The sandbox failed, through no fault of the submission in it."""


class NodeLost(SandboxError):
    """A machine of a pool is gone, or starts no worker any more; another one can do the work."""


class NoNodeLeft(SandboxError):
    """No machine of a pool is left that could do the work, and the pool does not wait for one."""


class EngineMissing(SandboxError):
    """No Docker Engine answers."""


class EngineUnsuitable(SandboxError):
    """An engine answers that does not keep what the Docker sandbox promises."""


class ImageMissing(SandboxError):
    """The worker's image is missing and could not be built."""


class GpuUnavailable(SandboxError):
    """A GPU was requested and the engine cannot provide one."""
