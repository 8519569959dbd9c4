"""Reads the models of GPUs, and of MIG's parts of GPUs, from what `nvidia-smi -L` prints."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from grader.records import ALL_GPUS

LIST = ("nvidia-smi", "-L")
_SMI_SECONDS = 60.0   # the driver wakes sleeping GPUs first
# GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-...)
_GPU = re.compile(r"GPU (\d+): (.+?) \(UUID: (GPU-[^)]+)\)")
#   MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-...)
_PART = re.compile(r"\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-[^)]+)\)")


@dataclass(frozen=True)
class _Listed:
    """A line of the list: a whole GPU or a part of one."""

    number: str
    uuid: str
    model: str
    is_part: bool


def models_of_this_machine(gpus: Collection[str]) -> tuple[str, ...]:
    """Return the models of these GPUs of this machine; see `grader.sandbox.base.Sandbox`."""
    if tuple(gpus) == ALL_GPUS and "CUDA_VISIBLE_DEVICES" in os.environ:
        gpus = tuple(filter(None, os.environ["CUDA_VISIBLE_DEVICES"].split(",")))
    return models_in(_listing(), gpus) if gpus else ()


def installed_models() -> tuple[str, ...]:
    """Return the models of all GPUs of this machine, also of those hidden from this process."""
    return models_in(_listing(), ALL_GPUS)


def _listing() -> str:
    """Return what `nvidia-smi -L` prints; "" where there is no driver."""
    try:
        return subprocess.run(
            LIST, capture_output=True, text=True, timeout=_SMI_SECONDS, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def models_in(listing: str, gpus: Collection[str]) -> tuple[str, ...]:
    """Return the models of some of the GPUs that `nvidia-smi -L` lists, each once and sorted.

    A GPU that is divided counts by its parts. () if one of the GPUs is not listed.

    Args:
        listing: The output of `nvidia-smi -L`.
        gpus: Numbers or UUIDs; `ALL_GPUS` for all that are listed.
    """
    listed = list(_listed(listing))
    divided = {one.number for one in listed if one.is_part}
    usable = [one for one in listed if one.is_part or one.number not in divided]
    if tuple(gpus) == ALL_GPUS:
        return tuple(sorted({one.model for one in usable}))
    wholes = {one.uuid: one.number for one in listed if not one.is_part}
    found: set[str] = set()
    for gpu in gpus:
        number = wholes.get(gpu, gpu)
        models = {one.model for one in usable if number in (one.number, one.uuid)}
        if not models:
            return ()
        found |= models
    return tuple(sorted(found))


def _listed(listing: str) -> Iterator[_Listed]:
    number = model = ""
    for line in listing.splitlines():
        if whole := _GPU.match(line):
            number, model, uuid = whole.groups()
            yield _Listed(number, uuid, model, is_part=False)
        elif part := _PART.match(line):
            profile, uuid = part.groups()
            yield _Listed(number, uuid, f"{model} MIG {profile}", is_part=True)
