"""The Docker sandbox: a fresh, locked-down container per submission.

Only `engine.py` imports the `docker` package, and only when it connects, so the command line starts
without it. docs/docker.md gives the reasons for the settings. What runs in a container belongs in
`grader.worker`.
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
