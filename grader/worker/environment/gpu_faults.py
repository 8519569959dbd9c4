"""Tells errors of a lent GPU, its driver and its other users from those of the student's code.

An error of this kind is nobody's mark: the question is asked again, maybe on another GPU.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.worker.environment.errors import chain, message_of, own_frames

WHOLE = 0.9   # of a GPU's memory for code that has it alone; CUDA itself needs some

_FAULTS = (
    (re.compile(r"no kernel image is available|device kernel image is invalid"),
     "this version of torch has no code for this model of GPU"),
    (re.compile(r"driver version is insufficient|driver on your system is too old|"
                r"compiled with an unsupported toolchain|forward compatibility was attempted"),
     "the GPU's driver is too old for this version of torch"),
    (re.compile(r"uncorrectable ECC|GPU is lost|busy or unavailable|system not yet initialized"),
     "the GPU failed"),
)  # fmt: skip
_FULL = re.compile(r"CUDA out of memory|CUDA error: out of memory")
_SIZE = r"([\d.]+) (bytes|KiB|MiB|GiB|TiB)"
_ASKED, _FREE = re.compile(f"Tried to allocate {_SIZE}"), re.compile(f"of which {_SIZE} is free")
_DEVICE = re.compile(r"GPU (\d+) has a total capacity")
_UNITS = {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


@dataclass(frozen=True)
class GpuRoom:
    """The GPU memory that a session may use, and what it uses.

    Attributes:
        share: the fraction of each GPU's memory that is this session's.
        total: returns the bytes of a GPU's memory, by its number.
        reserved: returns the bytes that torch holds of them for this process.
    """

    share: float
    total: Callable[[int], int]
    reserved: Callable[[int], int]

    def has(self, asked: float, device: int) -> bool:
        """True if so many more bytes are within the session's share."""
        return self.reserved(device) + asked <= self.share * self.total(device)


def room_of(share: float | None, cuda: Any) -> GpuRoom:
    """Return the room of a session; the functions are taken before any student's code runs.

    Args:
        share: the session's share of each GPU's memory; None: it has the GPU alone.
        cuda: the module `torch.cuda`.
    """
    properties = cuda.get_device_properties
    return GpuRoom(
        WHOLE if share is None else share,
        lambda device: int(properties(device).total_memory),
        cuda.memory_reserved,
    )


def fault(error: BaseException, folder: Path, room: GpuRoom | None) -> str:
    """Return what was wrong with the GPU, in words; "" if the error is not the GPU's.

    Args:
        error: the exception that ended the student's code.
        folder: the session's copy of the submission. What its own lines `raise` does not count.
        room: the session's share of the GPU's memory; None: not known.
    """
    for one in chain(error):
        if not isinstance(one, RuntimeError) or _raised_by(one, folder):
            continue
        message = message_of(one)
        for pattern, reason in _FAULTS:
            if pattern.search(message):
                return reason
        if room is not None and _FULL.search(message) and _taken_by_others(message, room):
            return "others had taken the GPU's memory while this code was within its share"
    return ""


def _raised_by(error: BaseException, folder: Path) -> bool:
    own, every = own_frames(error, folder), traceback.extract_tb(error.__traceback__)
    return bool(own) and own[-1] == every[-1] and (own[-1].line or "").lstrip().startswith("raise")


def _taken_by_others(message: str, room: GpuRoom) -> bool:
    """True if the GPU was full, and the code stayed within its share."""
    device, asked, free = _DEVICE.search(message), _bytes(_ASKED, message), _bytes(_FREE, message)
    if asked is not None and free is not None and asked <= free:
        return False   # the limit of this process, not the GPU's end
    try:
        return room.has(asked or 0.0, int(device[1]) if device else 0)
    except Exception:
        return False   # the GPU answers nothing any more


def _bytes(pattern: re.Pattern[str], message: str) -> float | None:
    found = pattern.search(message)
    return float(found[1]) * _UNITS[found[2]] if found else None
