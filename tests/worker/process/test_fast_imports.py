"""The worker's fast imports leave out torch._dynamo, and no program behaves differently.

Each program runs in an interpreter of its own, once after the worker's imports and once after
plain imports of torch and torchvision, and prints the same.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap

FAST = """
import sys
from grader.worker.process.fast_imports import load_worker
load_worker()
assert "torch._dynamo" not in sys.modules, "torch._dynamo was imported"
"""
PLAIN = "import torch, torchvision\n"


def printed(code: str) -> str:
    """Run a program and return its output."""
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fast(code: str) -> str:
    return printed(FAST + textwrap.dedent(code))


def plain(code: str) -> str:
    return printed(PLAIN + textwrap.dedent(code))


OPTIMIZERS = """
import io
import sys
import torch
from torch import nn
from torch.optim import swa_utils
from torch.optim.lr_scheduler import OneCycleLR, StepLR

torch.set_num_threads(1)

def total(model):
    return [f"{float(p.detach().double().sum()):.10f}" for p in model.parameters()]

def trained(kind, **options):
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 5))
    averaged = swa_utils.AveragedModel(model)
    optimizer = kind(list(model.parameters())[:3], lr=0.02, **options)
    optimizer.add_param_group({"params": list(model.parameters())[3:], "weight_decay": 0.0})
    scheduler = StepLR(optimizer, 2) if options else OneCycleLR(
        optimizer, 0.1, total_steps=9, cycle_momentum=False)
    seen = []
    def loss():
        optimizer.zero_grad()
        value = model(torch.randn(6, 3, 8, 8)).square().mean()
        value.backward()
        seen.append((torch.is_grad_enabled(), f"{value.item():.10f}"))
        return value
    for _ in range(3):
        optimizer.step(loss)
        assert torch.is_grad_enabled()
        scheduler.step()
        averaged.update_parameters(model)
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    optimizer.load_state_dict(torch.load(file))
    return seen, total(model), total(averaged), scheduler.get_last_lr()

for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "RAdam", "Adadelta", "Adamax",
             "ASGD", "Rprop"):
    print(name, trained(getattr(torch.optim, name)))
print(trained(torch.optim.SGD, momentum=0.9, nesterov=True, weight_decay=1e-3, foreach=True))
print(trained(torch.optim.Adam, differentiable=False, amsgrad=True))

class Sign(torch.optim.SGD):
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = p.grad.sign() if p.grad is not None else None
        return super().step(closure)

print(trained(Sign))
try:
    torch.optim.SGD([], lr=0.1)
except ValueError as error:
    print(error)
optimizer = torch.optim.SGD([nn.Parameter(torch.ones(2))], lr=0.1)
try:
    optimizer.step(lambda: 1 / 0)
except ZeroDivisionError:
    print("gradients", torch.is_grad_enabled(), optimizer)
"""


def test_optimizers_compute_the_same_and_need_no_compiler() -> None:
    code = OPTIMIZERS + "\nprint('torch._dynamo' in sys.modules)\n"
    found = fast(code).splitlines()
    assert found.pop() == "False"
    expected = plain(code).splitlines()
    assert expected.pop() == "True"   # torch itself imports it
    assert found == expected
    assert len(found) == 27


COMPILERS = """
import sys
import torch
import torch._dynamo.testing
import torchvision
from torch import nn

torch.set_num_threads(1)
assert torch._dynamo.utils.is_compile_supported("cpu") in (True, False)
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
count = torch._dynamo.testing.CompileCounter()
compiled = torch.compile(net, backend=count)
for _ in range(3):
    optimizer.zero_grad()
    compiled(torch.ones(5, 4)).square().mean().backward()
    optimizer.step()
print(count.frame_count, [p.sum().item() for p in net.parameters()])

@torch.compile(backend="eager")
def step():
    optimizer.step()
    return optimizer.state_dict()["param_groups"][0]["lr"]

print(step(), [p.sum().item() for p in net.parameters()])
print(torch.export.export(net, (torch.ones(5, 4),)).graph)
print(torch.func.vmap(torch.func.grad(lambda x: x.sin()))(torch.arange(3.0)))
print(torch.jit.script(net).code, torch.jit.trace(net, torch.ones(5, 4))(torch.ones(5, 4)))
print(torch.jit.script(torchvision.ops.roi_align).code[:60])
print(torch.fx.symbolic_trace(net).code)
"""


def test_compiling_works_as_in_plain_torch() -> None:
    assert fast(COMPILERS) == plain(COMPILERS)


def test_an_optimizer_made_before_dynamo_uses_dynamo_once_it_is_imported() -> None:
    code = """
    import torch
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=0.5)
    weight.sum().backward()
    optimizer.step()
    import torch._dynamo
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))]})
    optimizer.step()
    wrapped = torch.optim.Optimizer.add_param_group.__wrapped__
    print(weight.tolist(), getattr(wrapped, "__dynamo_disable").__module__)
    """
    assert fast(code) == plain(code)


ORDINARY = """
import gc
import importlib
import sys
import torch
import torchvision
from torch.nn.utils import parametrize, prune

class Loop:
    def __del__(self):
        print("collected")

one = Loop()
one.self = one
del one
print(gc.isenabled(), gc.get_threshold())
gc.collect()

print(prune.__name__, parametrize.__name__)
print(hasattr(torch.utils, "tensorboard"), hasattr(torch.utils, "no_such_thing"))
for place in (torch, torch.utils):
    try:
        place.nothing_of_the_kind
    except AttributeError as error:
        print(error)
try:
    from torch.utils import nothing_of_the_kind
except ImportError as error:
    print(error)
boxes = torch.tensor([[0, 0.0, 0.0, 3.0, 2.0]])
image = torch.arange(16.0).reshape(1, 1, 4, 4)
print(torchvision.ops.roi_align(image, boxes, 2))
print(torchvision.ops.nms(boxes[:, 1:], boxes[0, :1], 1))
with torch.device("meta"):
    print(torch.ones(3))
"""


def test_an_ordinary_script_prints_the_same() -> None:
    found = fast(ORDINARY)
    assert found == plain(ORDINARY)
    assert "collected" in found


def test_a_submodule_that_dynamo_imports_can_be_named() -> None:
    # The script names the submodule without importing it.
    code = "import torch\nprint(torch.distributed.fsdp.FullyShardedDataParallel.__name__)"
    assert fast(code) == plain(code)


def test_torchvision_gets_the_real_function_of_dynamo() -> None:
    code = """
    import importlib
    module = importlib.import_module("torchvision.ops.roi_align")
    print(module.is_compile_supported("cpu"), module.is_compile_supported("meta"))
    from torch._dynamo.utils import is_compile_supported
    print(is_compile_supported.__module__)
    """
    assert fast(code) == plain(code)
