"""The names of GPUs: what `--gpus` takes, and what the engine and CUDA are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import GpuUnavailable, UsageError
from grader.records import ALL_GPUS
from grader.rubric.model import Limits
from grader.sandbox.docker.engine import Engine, device_requests, resolve_gpus
from grader.sandbox.docker.lockdown import environment
from grader.sandbox.gpu_names import gpu_ids, gpus_of_this_machine, is_cdi
from grader.sandbox.process import _environment

NOWHERE: Engine = None  # type: ignore[assignment]   # must not be asked
MIG = "MIG-c7384736-a75d-5afc-978f-d2f1294409fd"
OLD_MIG = "MIG-GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f/7/0"   # driver 450 to 465
GPU = "GPU-18a3e86f-4c0e-cd9f-59c3-55488c4b0c24"
CDI = "nvidia.com/gpu=0"


@pytest.mark.parametrize("name", ["0", "15", "1:0", GPU, MIG, OLD_MIG, CDI, f"nvidia.com/gpu={GPU}",
                                  "nvidia.com/gpu=1:0", "nvidia.com/gpu=all"])
def test_every_name_by_which_nvidia_s_tools_know_a_gpu_is_taken(name: str) -> None:
    assert resolve_gpus(name, NOWHERE, "image") == gpu_ids(f" {name} ") == (name,)
    assert gpu_ids(f"{name},7") == (name, "7")


@pytest.mark.parametrize("choice", ["", "two", "0,0", "0,,1", "-1", "0;1", "GPU", "MIG-", "0:1:2",
                                    f"{CDI},{CDI}", "nvidia.com/gpu", "gpu=0", "--privileged"])
def test_a_choice_that_means_nothing_is_refused_by_every_sandbox(choice: str) -> None:
    with pytest.raises(UsageError, match=r"--gpus .*expected none, auto, all"):
        resolve_gpus(choice, NOWHERE, "image")
    with pytest.raises(UsageError, match=r"--gpus .*expected none, auto, all"):
        gpus_of_this_machine(choice)


def test_the_engine_is_asked_for_each_kind_of_name_by_its_own_driver() -> None:
    assert device_requests(()) == []
    (every,) = device_requests(ALL_GPUS)
    assert (every["Driver"], every["Count"]) == ("", -1)
    by_runtime, by_cdi = device_requests(("0", CDI, MIG))
    assert (by_runtime["Driver"], by_runtime["DeviceIDs"]) == ("", ["0", MIG])
    assert by_runtime["Capabilities"] == [["gpu"]]
    assert by_cdi == {"Driver": "cdi", "DeviceIDs": [CDI]}


@pytest.mark.parametrize(("gpus", "void"), [((), True), ((CDI,), True), (("0",), False),
                                            ((MIG,), False), (ALL_GPUS, False)])
def test_a_container_gets_no_gpu_that_it_was_not_lent(gpus: tuple[str, ...], void: bool) -> None:
    """Images of NVIDIA's name all GPUs, and the engine's default runtime may be NVIDIA's."""
    seen = environment(Limits(), device_requests(gpus))
    assert (seen.get("NVIDIA_VISIBLE_DEVICES") == "void") is void


@pytest.mark.parametrize("name", [CDI, "1:0"])
def test_a_process_is_not_told_a_name_that_only_containers_know(name: str) -> None:
    assert is_cdi(name) is (name == CDI)
    with pytest.raises(UsageError, match="is for containers"):
        gpus_of_this_machine(name)


def test_a_process_sees_the_gpus_that_it_was_lent_by_the_numbers_of_nvidia_smi(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    lent = _environment("/tmp", gpus_of_this_machine(f"1,{MIG}"))
    assert lent["CUDA_VISIBLE_DEVICES"] == f"1,{MIG}"
    assert lent["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert _environment("/tmp", gpus_of_this_machine("none"))["CUDA_VISIBLE_DEVICES"] == ""
    assert "CUDA_VISIBLE_DEVICES" not in _environment("/tmp", gpus_of_this_machine("auto"))


def test_all_means_the_gpus_that_this_user_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slurm and others say in CUDA_VISIBLE_DEVICES which GPUs of a machine are this user's."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", f"2,{GPU}")
    assert gpus_of_this_machine("all") == ("2", GPU)
    assert _environment("/tmp", ALL_GPUS)["CUDA_VISIBLE_DEVICES"] == f"2,{GPU}"
    assert _environment("/tmp", ("2",))["CUDA_VISIBLE_DEVICES"] == "2"


def test_all_on_a_machine_without_a_gpu_is_refused_and_not_run_on_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(GpuUnavailable, match=r"CUDA_VISIBLE_DEVICES is ''.*--gpus none"):
        gpus_of_this_machine("all")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GpuUnavailable, match=r"nvidia-smi.*--gpus none"):
        gpus_of_this_machine("all")
    broken = tmp_path / "nvidia-smi"
    broken.write_text("#!/bin/sh\necho 'Failed to initialize NVML'; exit 18\n", encoding="utf-8")
    broken.chmod(0o755)
    with pytest.raises(GpuUnavailable, match="ended with 18: Failed to initialize NVML"):
        gpus_of_this_machine("all")
    broken.write_text("#!/bin/sh\nprintf '0\\n1\\n'\n", encoding="utf-8")
    assert gpus_of_this_machine("all") == ("0", "1")
