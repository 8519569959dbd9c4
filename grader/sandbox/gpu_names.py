"""Reads the names of GPUs that `--gpus` takes, and finds those of this machine."""

from __future__ import annotations

import os
import re
import subprocess

from grader.errors import GpuUnavailable, UsageError
from grader.records import ALL_GPUS

_SMI_SECONDS = 60.0   # the driver wakes sleeping GPUs first
# `1`, or `1:0` for MIG's first part of GPU 1, as the NVIDIA Container Toolkit counts them.
_NUMBER = re.compile(r"\d+(:\d+)?")
_UUID = re.compile(r"(GPU|MIG)-[0-9A-Za-z/-]+")
# vendor/class=device, as `nvidia-ctk cdi list` prints them.
_CDI = re.compile(r"[0-9A-Za-z.-]+/[0-9A-Za-z_.-]+=[0-9A-Za-z_.:-]+")


def gpu_ids(choice: str) -> tuple[str, ...]:
    """Return the GPUs that a list such as `0,1` names. Whether they exist is not examined.

    Raises:
        UsageError: A part of the list is no name of a GPU, or comes twice.
    """
    ids = tuple(part.strip() for part in choice.split(","))
    if not all(map(_is_name, ids)) or len(set(ids)) != len(ids):
        raise UsageError(
            f"--gpus {choice}: expected none, auto, all, or GPUs, each once: numbers (0,1), UUIDs"
            " (GPU-..., MIG-...), or CDI names (nvidia.com/gpu=0)"
        )
    return ids


def is_cdi(name: str) -> bool:
    """True for a device name of the Container Device Interface, such as `nvidia.com/gpu=0`."""
    return _CDI.fullmatch(name) is not None


def gpus_of_this_machine(choice: str) -> tuple[str, ...]:
    """Return the GPUs that `--gpus none|auto|all|0,1` means for processes on this machine.

    `auto` means every GPU that torch finds, or none. `all` means those that CUDA_VISIBLE_DEVICES
    names, or else those that `nvidia-smi` lists.

    Raises:
        GpuUnavailable: `all` was asked for and there is none.
        UsageError: The choice is none of the four forms, or names a GPU as containers do.
    """
    if choice == "none":
        return ()
    if choice == "auto":
        return ALL_GPUS
    if choice == "all":
        return _listed()
    ids = gpu_ids(choice)
    for one in ids:
        if is_cdi(one) or ":" in one:
            raise UsageError(
                f"--gpus {one}: this name is for containers; with --sandbox process, name a GPU by"
                " its number or its UUID (`nvidia-smi -L` lists both)"
            )
    return ids


def _listed() -> tuple[str, ...]:
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        found, seen = chosen.replace(",", " "), f"CUDA_VISIBLE_DEVICES is '{chosen}'"
    else:
        command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_SMI_SECONDS, check=False
            )
            found = done.stdout if done.returncode == 0 else ""
            seen = f"nvidia-smi ended with {done.returncode}: {done.stdout.strip()[:200]}"
        except (OSError, subprocess.SubprocessError) as error:
            found, seen = "", f"nvidia-smi: {error}"
    if not found.split():
        raise GpuUnavailable(
            f"--gpus all: this machine has no GPU ({seen}). Repair the driver until `nvidia-smi`"
            " lists the GPUs, or grade without GPUs: `--gpus none`."
        )
    return tuple(found.split())


def _is_name(text: str) -> bool:
    return any(kind.fullmatch(text) for kind in (_NUMBER, _UUID, _CDI))
