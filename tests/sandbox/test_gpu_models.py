"""The model of a lent GPU is read from `nvidia-smi -L`, also of a part that MIG makes of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.records import ALL_GPUS
from grader.sandbox.gpu_models import models_in
from grader.sandbox.process import ProcessSandbox

TWO = """\
GPU 0: NVIDIA GeForce RTX 2080 Ti (UUID: GPU-e4c1b7ac-0c1e-5b0b-9d6e-7f3f9a2b1c00)
GPU 1: NVIDIA GeForce RTX 2080 Ti (UUID: GPU-0a6b5c0e-3e1f-4f7d-8b8e-2a1d3c4b5e11)
"""
MIXED = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
  MIG 1g.5gb      Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)
GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-7a1b2c3d-8899-aabb-ccdd-eeff00112233)
"""
RTX, H100 = "NVIDIA GeForce RTX 2080 Ti", "NVIDIA H100 80GB HBM3"
LARGE, SMALL = "NVIDIA A100-SXM4-40GB MIG 3g.20gb", "NVIDIA A100-SXM4-40GB MIG 1g.5gb"


@pytest.mark.parametrize(
    ("listing", "gpus", "models"),
    [
        (TWO, ALL_GPUS, (RTX,)),
        (TWO, ("0", "1"), (RTX,)),
        (MIXED, ALL_GPUS, (SMALL, LARGE, H100)),
        (MIXED, ("1",), (H100,)),
        (MIXED, ("0",), (SMALL, LARGE)),
        (MIXED, ("GPU-7a1b2c3d-8899-aabb-ccdd-eeff00112233",), (H100,)),
        (MIXED, ("MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f",), (LARGE,)),
        (MIXED, ("MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f", "1"), (LARGE, H100)),
        (TWO, ("2",), ()),              # there is none of this number
        (TWO, ("0", "GPU-0"), ()),
        ("Failed to initialize NVML: Driver/library version mismatch\n", ALL_GPUS, ()),
        ("No devices found.\n", ALL_GPUS, ()),
    ],
)
def test_models_are_read_from_the_list(
    listing: str, gpus: tuple[str, ...], models: tuple[str, ...]
) -> None:
    assert models_in(listing, gpus) == models


def test_a_process_asks_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    program, sandbox = tmp_path / "nvidia-smi", ProcessSandbox()
    program.write_text(f"#!/bin/sh\n[ $1 = -L ] && cat <<'END'\n{MIXED}END\n", encoding="utf-8")
    program.chmod(0o755)
    assert sandbox.gpu_models(("1",)) == (H100,)
    assert sandbox.gpu_models(ALL_GPUS) == (SMALL, LARGE, H100)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert sandbox.gpu_models(ALL_GPUS) == (H100,), "a worker gets what this process was given"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert sandbox.gpu_models(ALL_GPUS) == () == sandbox.gpu_models(())
    program.write_text("#!/bin/sh\nexit 9\n", encoding="utf-8")
    assert sandbox.gpu_models(("1",)) == ()
