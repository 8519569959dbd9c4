"""An error of the GPU, its driver or its other users is told from one of the student's code.

The messages are those of torch 2.6 to 2.14 and of CUDA 11 to 13.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from grader.sandbox.outcomes import from_answer
from grader.worker.environment.gpu_faults import GpuRoom, fault, room_of
from grader.worker.environment.home import Home
from grader.worker.session import Session, failure

GIB = 2**30
ROOM = GpuRoom(0.3, lambda device: 80 * GIB, lambda device: 20 * GIB)   # 24 GiB are its share
FULL = ("CUDA out of memory. Tried to allocate {asked}. GPU 0 has a total capacity of 80.00 GiB of "
        "which {free} is free. Process 411 has 50.00 GiB memory in use. Including non-PyTorch "
        "memory, this process has 20.50 GiB memory in use. 24.00 GiB allowed; Of the allocated "
        "memory 19.00 GiB is allocated by PyTorch, and 1.00 GiB is reserved by PyTorch but "
        "unallocated.")  # fmt: skip

OF_THE_GPU = {
    "CUDA error: no kernel image is available for execution on the device\nCUDA kernel errors "
    "might be asynchronously reported": "no code for this model of GPU",
    "CUDA error: device kernel image is invalid": "no code for this model of GPU",
    "CUDA driver version is insufficient for CUDA runtime version": "driver is too old",
    "The NVIDIA driver on your system is too old (found version 11040). Please update your GPU "
    "driver": "driver is too old",
    "CUDA error: the provided PTX was compiled with an unsupported toolchain.":
        "driver is too old",
    "CUDA error: uncorrectable ECC error encountered": "the GPU failed",
    "CUDA error: CUDA-capable device(s) is/are busy or unavailable": "the GPU failed",
    "CUDA error: all CUDA-capable devices are busy or unavailable": "the GPU failed",
    "CUDA error: system not yet initialized": "the GPU failed",
    FULL.format(asked="2.00 GiB", free="1.50 GiB"): "others had taken the GPU's memory",
    FULL.format(asked="20.00 MiB", free="0 bytes"): "others had taken the GPU's memory",
    "CUDA error: out of memory": "others had taken the GPU's memory",   # before any tensor
}
OF_THE_CODE = (
    FULL.format(asked="6.00 GiB", free="9.50 GiB"),     # beyond its share, and there was room
    FULL.format(asked="6.00 GiB", free="1.50 GiB"),     # beyond its share, and the GPU was full
    FULL.format(asked="2.00 GiB", free="2.50 GiB"),     # its own limit, by a rounded figure
    "CUDA error: device-side assert triggered",
    "CUDA error: an illegal memory access was encountered",
    "mat1 and mat2 shapes cannot be multiplied (64x512 and 1000x10)",
    "DefaultCPUAllocator: can't allocate memory: you tried to allocate 8589934592 bytes.",
)


def raised_by_torch(message: str, kind: type[Exception] = RuntimeError) -> None:
    raise kind(message)


def error_of(code: str, folder: Path, **names: object) -> BaseException:
    path = folder / "hw2.py"
    path.write_text(code, encoding="utf-8")
    try:
        exec(compile(code, path, "exec"), {"step": raised_by_torch, **names})
    except BaseException as error:
        return error
    raise AssertionError("the code has no error")


@pytest.mark.parametrize("message", OF_THE_GPU)
def test_an_error_of_the_gpu_is_named(message: str, tmp_path: Path) -> None:
    error = error_of("step(message)", tmp_path, message=message)
    assert OF_THE_GPU[message] in fault(error, tmp_path, ROOM)


@pytest.mark.parametrize("message", OF_THE_GPU)
def test_it_is_found_behind_the_error_that_the_code_made_of_it(
    message: str, tmp_path: Path
) -> None:
    code = ("try:\n    step(message)\nexcept RuntimeError as error:\n"
            "    raise ValueError('training failed') from error")  # fmt: skip
    error = error_of(code, tmp_path, message=message)
    assert OF_THE_GPU[message] in fault(error, tmp_path, ROOM)


@pytest.mark.parametrize("message", OF_THE_CODE)
def test_an_error_of_the_code_stays_the_student_s(message: str, tmp_path: Path) -> None:
    assert fault(error_of("step(message)", tmp_path, message=message), tmp_path, ROOM) == ""


@pytest.mark.parametrize("message", OF_THE_GPU)
def test_a_line_of_the_student_s_that_raises_such_words_is_the_student_s(
    message: str, tmp_path: Path
) -> None:
    code = "def train():\n    raise RuntimeError(message)\ntrain()"
    assert fault(error_of(code, tmp_path, message=message), tmp_path, ROOM) == ""
    other = error_of("step(message, ValueError)", tmp_path, message=message, ValueError=ValueError)
    assert fault(other, tmp_path, ROOM) == ""


def test_code_that_has_the_gpu_alone_may_count_on_nine_tenths_of_it(tmp_path: Path) -> None:
    reserved = {0: 60 * GIB}
    cuda = SimpleNamespace(
        get_device_properties=lambda device: SimpleNamespace(total_memory=80 * GIB),
        memory_reserved=reserved.__getitem__,
    )
    room = room_of(None, cuda)
    error = error_of("step(m)", tmp_path, m=FULL.format(asked="4.00 GiB", free="1.00 GiB"))
    assert "others" in fault(error, tmp_path, room)
    reserved[0] = 70 * GIB
    assert fault(error, tmp_path, room) == ""
    assert fault(error, tmp_path, None) == ""   # what it holds is not known


def test_a_gpu_that_answers_nothing_any_more_decides_nothing(tmp_path: Path) -> None:
    def dead(device: int) -> int:
        raise RuntimeError("CUDA error: unknown error")

    error = error_of("step('CUDA error: out of memory')", tmp_path)
    assert fault(error, tmp_path, GpuRoom(0.3, dead, dead)) == ""


@pytest.mark.parametrize(("message", "owner"), [
    (FULL.format(asked="2.00 GiB", free="1.50 GiB"), "harness"),
    ("CUDA error: no kernel image is available for execution on the device", "harness"),
    (FULL.format(asked="6.00 GiB", free="1.50 GiB"), "student"),
    ("CUDA error: device-side assert triggered", "student"),
])  # fmt: skip
@pytest.mark.parametrize("gpu", [True, False])
def test_the_host_learns_whose_fault_it_was(
    message: str, owner: str, gpu: bool, tmp_path: Path
) -> None:
    """Without a GPU, words of a GPU are for a person to read."""
    session = Session(tmp_path, None, lambda: None, home=Home(gpu=gpu), gpu_room=ROOM)
    reply = failure(error_of("step(message)", tmp_path, message=message), session)
    outcome = from_answer(reply, 1.0)
    assert outcome.owner == (owner if gpu else "environment")
    assert bool(session.gpu_fault) == (gpu and owner == "harness")
