"""The Docker sandbox: a fresh, locked-down container per submission.

`engine.py` is the sole importer of the `docker` package, and only when it connects, so that the
command line starts without it. The choices made here, and what they cost to find out, are in
docs/docker.md.
"""

from grader.sandbox.docker.container import DockerSandbox
from grader.sandbox.docker.engine import Engine, connect, resolve_gpus
from grader.sandbox.docker.image import Build, ensure_image, has_image, image_tag

__all__ = [
    "Build",
    "DockerSandbox",
    "Engine",
    "connect",
    "ensure_image",
    "has_image",
    "image_tag",
    "resolve_gpus",
]
