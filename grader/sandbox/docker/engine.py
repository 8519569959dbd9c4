"""Connects to the Docker Engine and translates its errors into the grader's own.

No error of the engine is ever a student's fault, so every one becomes a SandboxError. The engine's
own text is kept in the message, since that is what one searches the web for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grader.errors import (
    EngineMissing,
    EngineUnsuitable,
    GpuUnavailable,
    ImageMissing,
    SandboxError,
    UsageError,
)
from grader.records import ALL_GPUS
from grader.sandbox.gpu_models import LIST, models_in
from grader.sandbox.gpu_names import gpu_ids, is_cdi

if TYPE_CHECKING:
    from docker import APIClient

_TIMEOUT = 120   # seconds for one call; containers start slowly while GPUs are asleep
_PODMAN = "Podman Engine"   # how its Docker-compatible socket names itself in `docker version`


class ContainerGoneError(SandboxError):
    """The engine no longer knows the container, because somebody else removed it."""


@dataclass(frozen=True)
class Engine:
    """A Docker Engine that has answered.

    Attributes:
        api: docker-py's low-level client.
        version: Version of the engine.
        cpus: Number of CPUs on its machine.
        runtimes: Names of its OCI runtimes.
        shares: It can give containers different shares of the processor; a rootless one may not.
    """

    api: APIClient
    version: str
    cpus: int
    runtimes: tuple[str, ...]
    shares: bool = True

    def close(self) -> None:
        self.api.close()


def connect() -> Engine:
    """Connect to the engine that DOCKER_HOST names, or the local one.

    Raises:
        EngineMissing: No engine answers.
        EngineUnsuitable: Podman answers.
    """
    import docker
    from docker.errors import DockerException

    try:
        api = docker.from_env(timeout=_TIMEOUT, max_pool_size=64).api
    except DockerException as error:
        raise _no_engine(error) from error
    try:
        with engine_errors("asking the Docker Engine for its version"):
            _refuse_podman(api.version())
            info = api.info()
    except BaseException:
        api.close()
        raise
    return Engine(
        api,
        version=str(info["ServerVersion"]),
        cpus=int(info["NCPU"]),
        runtimes=tuple(sorted(info["Runtimes"])),
        shares=bool(info.get("CPUShares", True)),
    )


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Translate the engine's errors within this context into SandboxError and its subclasses.

    `doing` says what was being done; the messages begin with it.
    """
    from docker.errors import DockerException, ImageNotFound, NotFound
    from requests.exceptions import ConnectionError, RequestException

    try:
        yield
    except ImageNotFound as error:
        raise ImageMissing(
            f"{doing}: {_text(error)}. Build the image with `grader image build`."
        ) from error
    except NotFound as error:
        raise ContainerGoneError(f"{doing}: {_text(error)}") from error
    except ConnectionError as error:
        raise _no_engine(error, doing) from error
    except (DockerException, RequestException) as error:
        text = _text(error)
        if "could not select device driver" in text or "nvidia" in text.lower():
            raise _no_gpu(text) from error
        raise SandboxError(f"{doing}: the Docker Engine says: {text}") from error


def resolve_gpus(choice: str, engine: Engine, image: str) -> tuple[str, ...]:
    """Return the device ids that `--gpus none|auto|all|0,1` means on this engine.

    `all` and `auto` ask a short-lived container of `image` which GPUs it can see. Ids are not
    checked here; a wrong one shows when the first job starts.

    Raises:
        GpuUnavailable: `all` was asked for and the engine can give a container no GPU; `auto` means
            none then.
        UsageError: The choice is none of the four forms.
    """
    if choice == "none":
        return ()
    if choice == "all":
        return _count_gpus(engine, image)
    if choice == "auto":
        with suppress(GpuUnavailable):
            return _count_gpus(engine, image)
        return ()
    return gpu_ids(choice)


def check_runtime(name: str, engine: Engine) -> None:
    """Raise UsageError if the engine has no runtime of this name.

    A name with a dot is a containerd shim's, which the engine finds without listing it.
    """
    if "." not in name and name not in engine.runtimes:
        raise UsageError(
            f"--runtime {name}: the Docker Engine has no such runtime; it has"
            f" {', '.join(engine.runtimes)}. Install it on the engine's machine and register it"
            " (for gVisor `runsc install`, then restart Docker: docs/docker.md), or leave --runtime"
            " out."
        )


def device_requests(gpus: Sequence[str]) -> list[dict[str, Any]]:
    """Return the DeviceRequests of the engine's API for these GPUs."""
    if tuple(gpus) == ALL_GPUS:
        return [{"Driver": "", "Capabilities": [["gpu"]], "Options": {}, "Count": -1}]
    cdi = [gpu for gpu in gpus if is_cdi(gpu)]
    others = [gpu for gpu in gpus if not is_cdi(gpu)]
    requests: list[dict[str, Any]] = []
    if others:
        gpu = [["gpu"]]
        requests.append({"Driver": "", "Capabilities": gpu, "Options": {}, "DeviceIDs": others})
    if cdi:
        requests.append({"Driver": "cdi", "DeviceIDs": cdi})
    return requests


def gpu_models(gpus: Collection[str], engine: Engine, image: str) -> tuple[str, ...]:
    """Return the models of GPUs, as a short-lived container of `image` sees them.

    They are not known, (), where the engine cannot lend them: the first worker says why.
    """
    if not gpus:
        return ()
    with suppress(GpuUnavailable):
        return models_in(_nvidia_smi(engine, image, gpus, LIST[1:]), ALL_GPUS)
    return ()


def _count_gpus(engine: Engine, image: str) -> tuple[str, ...]:
    query = ("--query-gpu=index", "--format=csv,noheader")
    return tuple(_nvidia_smi(engine, image, ALL_GPUS, query).split())


def _nvidia_smi(
    engine: Engine, image: str, gpus: Collection[str], options: Sequence[str]
) -> str:
    """Return what `nvidia-smi` prints where it sees these GPUs. Raises GpuUnavailable."""
    api = engine.api
    with engine_errors("asking for the GPUs"):
        container = api.create_container(
            image,
            entrypoint=["nvidia-smi"],
            command=[*options],
            host_config={"NetworkMode": "none", "DeviceRequests": device_requests((*gpus,))},
            use_config_proxy=False,
        )["Id"]
        try:
            api.start(container)
            status = api.wait(container)["StatusCode"]
            output = api.logs(container).decode(errors="replace")
        except Exception as error:
            # Without the NVIDIA hook, the only sign may be that nvidia-smi is missing.
            if "nvidia-smi" in _text(error):
                raise _no_gpu(_text(error)) from error
            raise
        finally:
            api.remove_container(container, force=True)
    if status != 0 or not output.split():
        raise _no_gpu(f"nvidia-smi ended with {status}: {output.strip()}")
    return str(output)


def _refuse_podman(about: Mapping[str, Any]) -> None:
    """Raise EngineUnsuitable if the answer to `docker version` is Podman's."""
    for part in about.get("Components") or ():
        if part.get("Name") == _PODMAN:
            raise EngineUnsuitable(
                f"{_PODMAN} {part.get('Version', '')} answers where a Docker Engine was expected."
                " Its Docker-compatible socket ignores or changes parts of what locks a container"
                " (the seccomp profile, masked paths, the limit on files), requests for GPUs, and"
                " the sign that a process was killed for memory, so submissions would be neither"
                " locked in nor marked fairly. Install Docker Engine and let DOCKER_HOST name it"
                " (DOCKER_HOST=unix:///var/run/docker.sock), or use `--sandbox process`, for code"
                " that you trust."
            )


def _no_engine(error: Exception, doing: str = "connecting to the Docker Engine") -> EngineMissing:
    return EngineMissing(
        f"{doing}: no Docker Engine answers ({_text(error)}). Is it running, and may this user"
        " reach it (`docker info`)? DOCKER_HOST chooses another engine; `--sandbox process` needs"
        " none, for code that you trust."
    )


def _no_gpu(found: str) -> GpuUnavailable:
    return GpuUnavailable(
        f"the Docker Engine cannot give a container a GPU: {found.strip()}. Install the"
        " NVIDIA Container Toolkit on the engine's machine (`nvidia-ctk runtime configure"
        " --runtime=docker`, then restart Docker; names such as nvidia.com/gpu=0 need Docker 28.2"
        " and `nvidia-ctk cdi generate`), or grade without GPUs: `--gpus none`."
    )


def _text(error: BaseException) -> str:
    """Return the engine's own message if it sent one."""
    return str(getattr(error, "explanation", None) or error).strip().rstrip(".")
