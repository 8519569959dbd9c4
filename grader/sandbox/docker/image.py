"""The worker's image, named by what it is made of.

The tag is a digest of the Dockerfile, the worker's sources and the build arguments, so a changed
worker gets a new image, an unchanged one is never built twice, and a gold run and a student's run
under one tag ran the same code. What is hashed is what is sent to the engine: one list, `_sources`.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
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
# As in the Dockerfile.
_COPIED = ("grader/__init__.py", "grader/packing.py", "grader/wire.py", "grader/worker")
# At the top of a checkout; a wheel carries both beside this module.
_DOCKERFILE, _CONSTRAINTS = "Dockerfile", "constraints.txt"
_PACKAGED = "grader/sandbox/docker"
# Up to here constraints.txt is about the image; a pin below it gives no new image.
END_OF_IMAGE = "# --- end of the worker's image ---"
_ARGUMENTS = (
    "BASE_IMAGE", "TORCH_VERSION", "TORCHVISION_VERSION", "TORCH_INDEX", "STUDENT_PACKAGES",
)  # fmt: skip
_KEEP_OLD = timedelta(days=7)
_LOG_LINES = 20


@dataclass(frozen=True)
class Build:
    """What an image is built from: the project's folder and arguments for the Dockerfile.

    What `args` leaves open the environment may say: GRADER_BASE_IMAGE, GRADER_TORCH_INDEX and so
    on. What both leave open is as in the Dockerfile.
    """

    args: Mapping[str, str] = field(default_factory=dict)
    context: Path = PROJECT

    @property
    def effective_args(self) -> dict[str, str]:
        named = {name: os.environ.get(f"GRADER_{name}", "") for name in _ARGUMENTS}
        return {name: value for name, value in named.items() if value} | dict(self.args)


def image_tag(build: Build) -> str:
    """The name of the image that `build` leads to, whether it is there or not."""
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
    """The name of the worker's image, which is built when it is missing. Raises ImageMissing.

    `rebuild` builds anyway and from scratch, as after a change of the base image under its name.
    """
    tag = image_tag(build)
    if not rebuild and has_image(engine, tag):
        return tag
    on_progress(f"building {tag}; the first time takes minutes, since torch is large")
    _build(engine, tag, build, on_progress, rebuild)
    _remove_old(engine, keep=tag)
    return tag


def has_image(engine: Engine, tag: str) -> bool:
    """Whether the image of that name is there."""
    with engine_errors("looking for the worker's image"):
        return bool(engine.api.images(tag))


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
        # Two words of one stream: {"stream": "Step 3/9 : RUN ..."} and {"error": "..."}.
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
        "Check that the base image can be pulled or is loaded (`docker images`), and that pip"
        " reaches its index from inside a container. --base-image or GRADER_BASE_IMAGE names"
        " another base image, one with your proxy's certificates for example: docs/docker.md."
    )


def _lines(event: Mapping[str, Any]) -> Iterator[str]:
    text = event.get("stream") or event.get("status") or ""
    return (line.rstrip() for line in str(text).splitlines() if line.strip())


def _sources(context: Path) -> Iterator[tuple[str, bytes]]:
    """Everything that the build sees, as (name, content), in a fixed order."""
    yield _DOCKERFILE, _at_the_top(context, _DOCKERFILE).read_bytes()
    pins = _at_the_top(context, _CONSTRAINTS).read_bytes()
    yield _CONSTRAINTS, pins.partition(END_OF_IMAGE.encode())[0]
    paths: list[Path] = []
    for name in _COPIED:
        path = context / name
        paths += sorted(path.rglob("*")) if path.is_dir() else [path]
    for path in paths:
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(context).as_posix(), path.read_bytes()


def _at_the_top(context: Path, name: str) -> Path:
    """The file of that name, in a checkout or beside this module. Raises ImageMissing."""
    places = (context / name, context / _PACKAGED / name)
    for place in places:
        if place.is_file():
            return place
    raise ImageMissing(
        f"no {name}: looked for {' and '.join(map(str, places))}. Install the grader again, "
        "from its wheel or from a checkout (`pip install -e .`)."
    )


def _archive(context: Path) -> io.BytesIO:
    """The sources as a tar, without owners and times, so that the engine's layer cache hits."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in _sources(context):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def _remove_old(engine: Engine, keep: str) -> None:
    """Take away images of former workers; young ones stay, another checkout may be using them."""
    oldest = datetime.now(UTC) - _KEEP_OLD
    # Tidying is a courtesy: an image in use, or gone meanwhile, is no reason to fail.
    with suppress(SandboxError), engine_errors("looking for old images"):
        for image in engine.api.images(REPOSITORY, filters={"label": f"{LABEL}=1"}):
            old = datetime.fromtimestamp(image["Created"], UTC) < oldest
            for tag in image.get("RepoTags") or ():
                if old and tag != keep:
                    with suppress(SandboxError), engine_errors(f"removing {tag}"):
                        engine.api.remove_image(tag)
