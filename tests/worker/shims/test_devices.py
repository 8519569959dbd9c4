"""A script that was written for a GPU runs on a CPU, with one note."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.worker.shimmed_script import run

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")


@pytest.mark.parametrize(
    "made",
    [
        "x.cuda()",
        "x.cuda(0, non_blocking=True)",
        "x.to('cuda')",
        "x.to('cuda:1', torch.float32)",
        "x.to(torch.device('cuda'), non_blocking=True)",
        "x.to(device=torch.device('cuda', 0))",
        "x.to(0)",
        "x.to('mps')" if not torch.backends.mps.is_available() else "x.to('cuda')",
        "x.type('torch.cuda.FloatTensor')",
        "torch.zeros(2, device='cuda')",
        "torch.tensor([1.0], device=torch.device('cuda:0'))",
        "torch.zeros_like(x, device='cuda')",
        "torch.randperm(5, generator=torch.Generator(device='cuda'), device='cuda')",
        "x.new_zeros(3, device='cuda')",
        "torch.nn.Linear(2, 2).cuda()(x)",
        "torch.nn.Linear(2, 2).to(0)(x)",
        "torch.nn.Linear(2, 2, device='cuda')(x)",
        "torch.nn.DataParallel(torch.nn.Linear(2, 2), device_ids=[0, 1]).cuda()(x)",
    ],
)
def test_tensors_sent_to_a_gpu_stay_on_the_cpu(tmp_path: Path, made: str) -> None:
    code = f"""
        import torch
        x = torch.ones(2)
        made = {made}
        assert made.device.type == "cpu" and not made.is_cuda
        assert not torch.cuda.is_available() and torch.device("cuda").type == "cuda"
    """
    (note,) = run(tmp_path, code).notes
    assert "ran on the CPU" in note


def test_code_without_a_gpu_is_unchanged_and_gets_no_note(tmp_path: Path) -> None:
    code = """
        import io, pickle, torch
        x = torch.ones(2)
        assert x.to("cpu") is x and x.to(torch.float64).dtype == torch.float64
        assert x.to(torch.zeros(1, dtype=torch.int64)).dtype == torch.int64
        assert torch.zeros(2, dtype=torch.int32, device="cpu").dtype == torch.int32
        assert x.to("meta").device.type == "meta" and x.half().dtype == torch.float16
        with torch.device("meta"):
            assert torch.nn.Linear(2, 2).weight.device.type == "meta"
        first, second = (torch.rand(2, generator=torch.Generator().manual_seed(3)) for _ in "ab")
        assert torch.equal(first, second) and isinstance(torch.Generator("cpu"), torch.Generator)
        with torch.random.fork_rng():
            torch.manual_seed(1)
        torch.save({"x": x}, kept := io.BytesIO())
        assert torch.equal(torch.load(io.BytesIO(kept.getvalue()))["x"], x)
        assert torch.equal(torch.load(io.BytesIO(kept.getvalue()), "cpu")["x"], x)
        assert torch.equal(pickle.loads(pickle.dumps(x)), x)
    """
    assert run(tmp_path, code).notes == []


def test_the_default_device_may_be_a_gpu(tmp_path: Path) -> None:
    code = """
        import torch
        torch.set_default_device("cuda")
        assert torch.ones(2).device.type == "cpu"
        with torch.device("cuda"):
            assert torch.nn.Linear(2, 2).weight.device.type == "cpu"
        torch.set_default_device("meta")
        assert torch.ones(2).device.type == "meta"
        torch.set_default_device(None)
        torch.set_default_tensor_type("torch.cuda.FloatTensor")
        torch.set_default_tensor_type(torch.cuda.FloatTensor)
        assert torch.ones(2).device.type == "cpu" and torch.cuda.LongTensor(3).numel() == 3
    """
    run(tmp_path, code)


@pytest.mark.parametrize("where", ["'cuda'", "torch.device('cuda:0')", "None", "{'cpu': 'cuda:0'}"])
def test_a_checkpoint_for_a_gpu_is_read_on_the_cpu(tmp_path: Path, where: str) -> None:
    code = f"""
        import torch
        torch.save(torch.nn.Linear(2, 2).state_dict(), "model.pth")
        state = torch.load("model.pth", map_location={where})
        assert state["weight"].device.type == "cpu"
    """
    run(tmp_path, code)


def test_a_checkpoint_that_was_saved_on_a_gpu_is_read_on_the_cpu(tmp_path: Path) -> None:
    code = """
        import zipfile, torch
        torch.save(torch.ones(3), "here.pth")
        with zipfile.ZipFile("here.pth") as here, zipfile.ZipFile("there.pth", "w") as there:
            for name in here.namelist():
                content = here.read(name)
                if name.endswith("data.pkl"):
                    assert b"cpu" in content
                    content = content.replace(b"X\\x03\\x00\\x00\\x00cpu",
                                              b"X\\x06\\x00\\x00\\x00cuda:0")
                    assert b"cuda:0" in content
                there.writestr(name, content)
        assert torch.load("there.pth").tolist() == [1, 1, 1]
        assert torch.load("there.pth", "cuda").tolist() == [1, 1, 1]
    """
    run(tmp_path, code)


def test_functions_of_a_missing_gpu_do_nothing(tmp_path: Path) -> None:
    code = """
        import torch
        cuda = torch.cuda
        cuda.set_device(0), cuda.synchronize(), cuda.empty_cache(), cuda.manual_seed_all(0)
        cuda.reset_peak_memory_stats(), cuda.ipc_collect(), cuda.nvtx.range_push("a")
        assert cuda.memory_allocated() == cuda.max_memory_allocated() == cuda.device_count() == 0
        assert cuda.current_device() == 0 and "CPU" in cuda.get_device_name(0)
        assert cuda.get_device_properties(0).total_memory / 1e9 > 0
        assert cuda.get_device_capability(0) < (7, 0)
        begin, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
        begin.record(), end.record(), cuda.synchronize()
        assert begin.elapsed_time(end) >= 0
        with cuda.stream(cuda.Stream()), cuda.device(0):
            cuda.current_stream().synchronize()
        with torch.random.fork_rng(devices=[0]):
            torch.rand(1)
        torch.ones(2).pin_memory().record_stream(cuda.current_stream())
    """
    assert len(run(tmp_path, code).notes) == 1


def test_mixed_precision_trains_without_warnings(tmp_path: Path) -> None:
    code = """
        import torch
        from torch.cuda.amp import GradScaler, autocast
        from torch.utils.data import DataLoader, TensorDataset
        model = torch.nn.Linear(4, 2).cuda()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        data = TensorDataset(torch.randn(12, 4), torch.arange(12) % 2)
        before = model.weight.clone()
        for scaler, context in ((torch.amp.GradScaler("cuda"), lambda: torch.autocast("cuda")),
                                (torch.amp.GradScaler("cuda"),
                                 lambda: torch.autocast("cuda", dtype=torch.bfloat16))):
            for inputs, labels in DataLoader(data, 4, pin_memory=True):
                with context():
                    outputs = model(inputs.cuda(non_blocking=True))
                    loss = torch.nn.functional.cross_entropy(outputs, labels.to("cuda"))
                optimizer.zero_grad()
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
        assert outputs.dtype == torch.float32 and not torch.equal(before, model.weight)
        import warnings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)   # these are its own
            with autocast():
                GradScaler().scale(model(inputs).sum()).backward()
    """
    assert run(tmp_path, code).err == ""


def test_half_precision_is_unchanged(tmp_path: Path) -> None:
    code = """
        import torch
        model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)).half().cuda()
        model(torch.randn(2, 3, 8, 8).half().cuda()).sum().backward()
        assert model[0].weight.grad.dtype == torch.float16
    """
    run(tmp_path, code)


def test_scripted_functions_still_compile(tmp_path: Path) -> None:
    code = """
        import inspect, warnings, torch
        warnings.simplefilter("ignore")
        lines = "def f(x):\\n    return torch.zeros(3, device=x.device) + torch.ones_like(x)\\n"
        open("scripted.py", "w").write("import torch\\n" + lines)
        import sys
        sys.path.insert(0, ".")
        import scripted
        assert torch.jit.script(scripted.f)(torch.ones(3)).tolist() == [1, 1, 1]
        assert torch.jit.trace(scripted.f, torch.ones(3))(torch.ones(3)).tolist() == [1, 1, 1]
    """
    run(tmp_path, code)


def test_a_script_that_asks_for_a_gpu_is_told_the_truth_and_the_question_is_kept(
    tmp_path: Path,
) -> None:
    code = """
        import torch
        assert home.missed == set()
        assert not torch.cuda.is_available() and torch.cuda.device_count() == 0
        assert home.missed == {"there is no GPU here"}
    """
    assert run(tmp_path, code).notes == []


def test_in_a_second_run_the_script_has_a_gpu_and_libraries_know_that_there_is_none(
    tmp_path: Path,
) -> None:
    code = """
        import torch
        assert torch.cuda.is_available() and torch.cuda.device_count() == 1
        assert torch.backends.cudnn.is_available() and torch.backends.mps.is_available()
        assert torch.accelerator.is_available()
        device = torch.accelerator.current_accelerator()
        assert torch.cuda.get_device_name(torch.cuda.current_device())
        torch.backends.cudnn.benchmark = True
        torch.cuda.manual_seed_all(0)
        network = torch.nn.DataParallel(torch.nn.Linear(2, 2)).to(device)
        data = torch.utils.data.TensorDataset(torch.ones(4, 2))
        scaler = torch.amp.GradScaler("cuda")
        optimizer = torch.optim.Adam(network.parameters())
        for (rows,) in torch.utils.data.DataLoader(data, 2, pin_memory=True):
            with torch.autocast("cuda", dtype=torch.float16):
                loss = network(rows.cuda(non_blocking=True)).sum()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        with torch.random.fork_rng():
            torch.manual_seed(1)
        assert loss.dtype == torch.float32 and not loss.is_cuda
    """
    notes = run(tmp_path, code, pretend=["there is no GPU here"]).notes
    assert any("told that there is one" in note for note in notes)
