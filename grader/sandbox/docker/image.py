"""Builds the worker's image, whose tag is a digest of its content.

The digest covers the Dockerfile, the pinned packages, the worker's sources and the build arguments.
So a changed worker gets a new image, an unchanged one is never built twice, and the reference and
the students ran the same code if they ran under one tag. `_sources` lists the files, both for
hashing and for building.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from grader.errors import ImageMissing, SandboxError
from grader.sandbox.docker.engine import Engine, engine_errors

REPOSITORY = "grader-worker"
LABEL = "grader.worker"
PROJECT = Path(__file__).resolve().parents[3]
# The files that the Dockerfile copies: the worker, and the modules that it shares with the host.
SOURCES = (
    "grader/__init__.py", "grader/packing.py", "grader/stopwatch.py", "grader/wire.py",
    "grader/worker",
)  # fmt: skip
# At the top of a checkout; a wheel carries both beside this module.
_DOCKERFILE, _CONSTRAINTS = "Dockerfile", "constraints.txt"
_PACKAGED = "grader/sandbox/docker"
# The pins above this line of constraints.txt are those of the image.
END_OF_IMAGE = "# --- end of the worker's image ---"
_ARGUMENTS = (
    "BASE_IMAGE", "TORCH_VERSION", "TORCHVISION_VERSION", "TORCH_INDEX", "STUDENT_PACKAGES",
    "EXTRA_PACKAGES",
)  # fmt: skip
_KEEP_OLD = timedelta(days=7)
_LOG_LINES = 20


@dataclass(frozen=True)
class Build:
    """The sources and arguments of an image.

    Attributes:
        args: Arguments for the Dockerfile, such as BASE_IMAGE. The environment gives those that are
            missing here (GRADER_BASE_IMAGE and so on), the Dockerfile the others.
        context: The project's folder.
    """

    args: Mapping[str, str] = field(default_factory=dict)
    context: Path = PROJECT

    @classmethod
    def of(cls, base_image: str | None, packages: Sequence[str] = ()) -> Build:
        """A build on a base image (None: the default one) with the packages of a rubric."""
        given = {"BASE_IMAGE": base_image or "", "EXTRA_PACKAGES": " ".join(packages)}
        return cls({name: value for name, value in given.items() if value})

    @property
    def effective_args(self) -> dict[str, str]:
        named = {name: os.environ.get(f"GRADER_{name}", "") for name in _ARGUMENTS}
        return {name: value for name, value in named.items() if value} | dict(self.args)


def image_tag(build: Build) -> str:
    """Return the name of the image that `build` makes, built or not."""
    digest = hashlib.sha256(json.dumps(build.effective_args, sort_keys=True).encode())
    for name, content in _sources(build.context):
        digest.update(f"\0{name}\0{len(content)}\0".encode())
        digest.update(content)
    return f"{REPOSITORY}:{digest.hexdigest()[:16]}"


def ensure_image(
    engine: Engine,
    build: Build,
    on_progress: Callable[[str], None],
    *,
    rebuild: bool = False,
) -> str:
    """Build the worker's image if it is missing, and return its name.

    Args:
        engine: The Docker Engine.
        build: Sources and arguments.
        on_progress: Called with each line of the build's output.
        rebuild: Build anyway, without the cache; needed after the base image was changed under the
            same name.

    Raises:
        ImageMissing: The build failed.
    """
    tag = image_tag(build)
    if not rebuild and has_image(engine, tag):
        return tag
    on_progress(f"building {tag}; the first time takes minutes, since torch is large")
    _build(engine, tag, build, on_progress, rebuild)
    _remove_old(engine, keep=tag)
    return tag


def has_image(engine: Engine, tag: str) -> bool:
    """Say whether the engine has the image of this name."""
    with engine_errors("looking for the worker's image"):
        return bool(engine.api.images(tag))


def id_of(engine: Engine, image: str) -> str:
    """Return the Id of an image, which a name only points to. It stays with `docker save`.

    Raises:
        ImageMissing: The engine has no such image.
    """
    with engine_errors("looking for the worker's image"):
        found = engine.api.inspect_image(image)   # type: ignore[no-untyped-call]  # docker-py's
    return str(found["Id"])


def version_of(image_id: str, runtime: str | None) -> str:
    """Return what `Sandbox.version` says of workers in such containers, on any machine."""
    return f"image {short_id(image_id)} {runtime or ''}".strip()


def short_id(image_id: str) -> str:
    """Return an image's Id as `docker images` prints it."""
    return image_id.removeprefix("sha256:")[:12]


def _build(
    engine: Engine,
    tag: str,
    build: Build,
    on_progress: Callable[[str], None],
    from_scratch: bool,
) -> None:
    last: deque[str] = deque(maxlen=_LOG_LINES)
    args = build.effective_args
    with engine_errors("building the worker's image"):
        # Events are {"stream": "Step 3/9 : RUN ..."} or {"error": "..."}.
        for event in engine.api.build(
            fileobj=_archive(build.context),
            custom_context=True,
            tag=tag,
            buildargs=args,
            labels={LABEL: "1"},
            nocache=from_scratch,
            rm=True,
            forcerm=True,
            decode=True,
        ):
            for line in _lines(event):
                last.append(line)
                on_progress(line)
            if "error" in event:
                raise ImageMissing(_what_failed(event["error"], args, last))
    if not has_image(engine, tag):
        raise ImageMissing(_what_failed("the build ended without an image", args, last))


def _what_failed(error: str, args: Mapping[str, str], last: deque[str]) -> str:
    log = "\n".join(f"    {line}" for line in last)
    base = args.get("BASE_IMAGE", "the Dockerfile's default")
    return (
        f"the worker's image could not be built from base image {base}: {error.strip()}\n"
        f"{log}\n"
        "Check that the base image is loaded (`docker images`) or can be pulled, and that pip"
        " reaches its index from inside a container. --base-image or GRADER_BASE_IMAGE names"
        " another base image, for example one with your proxy's certificates: docs/docker.md."
    )


def _lines(event: Mapping[str, Any]) -> Iterator[str]:
    text = event.get("stream") or event.get("status") or ""
    return (line.rstrip() for line in str(text).splitlines() if line.strip())


def _sources(context: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file that the build sees, as (name, content), in a fixed order."""
    yield _DOCKERFILE, _at_the_top(context, _DOCKERFILE).read_bytes()
    pins = _at_the_top(context, _CONSTRAINTS).read_bytes()
    yield _CONSTRAINTS, pins.partition(END_OF_IMAGE.encode())[0]
    paths: list[Path] = []
    for name in SOURCES:
        path = context / name
        paths += sorted(path.rglob("*")) if path.is_dir() else [path]
    for path in paths:
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(context).as_posix(), path.read_bytes()


def _at_the_top(context: Path, name: str) -> Path:
    """Find a file: at the top of a checkout, or beside this module in a wheel."""
    paths = (context / name, context / _PACKAGED / name)
    for path in paths:
        if path.is_file():
            return path
    raise ImageMissing(
        f"no {name}: looked for {' and '.join(map(str, paths))}. Install the grader again, "
        "from its wheel or from a checkout (`pip install -e .`)."
    )


def _archive(context: Path) -> io.BytesIO:
    """Pack the sources into a tar without owners and times, so that the layer cache hits."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in _sources(context):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def _remove_old(engine: Engine, keep: str) -> None:
    """Remove images of former workers, except recent ones, which another checkout may use."""
    oldest = datetime.now(UTC) - _KEEP_OLD
    # An image that is in use or already gone must not make the run fail.
    with suppress(SandboxError), engine_errors("looking for old images"):
        for image in engine.api.images(REPOSITORY, filters={"label": f"{LABEL}=1"}):
            old = datetime.fromtimestamp(image["Created"], UTC) < oldest
            for tag in image.get("RepoTags") or ():
                if old and tag != keep:
                    with suppress(SandboxError), engine_errors(f"removing {tag}"):
                        engine.api.remove_image(tag)
