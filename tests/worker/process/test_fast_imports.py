"""What the worker leaves out of its imports: it is not there, and nobody misses it.

Each case is a program that runs in an interpreter of its own, as student code would after the
worker's imports, and prints the same after torch's and torchvision's own.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap

LEAN = """
import sys
from grader.worker.process.fast_imports import load_worker
load_worker()
assert "torch._dynamo" not in sys.modules, "it is imported again"
"""
PLAIN = "import torch, torchvision\n"


def printed(code: str) -> str:
    """What a program prints."""
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def lean(code: str) -> str:
    return printed(LEAN + textwrap.dedent(code))


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
    found = lean(code).splitlines()
    assert found.pop() == "False"
    expected = plain(code).splitlines()
    assert expected.pop() == "True"   # else there is nothing to leave out
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


def test_whoever_compiles_has_all_of_torchs_own() -> None:
    assert lean(COMPILERS) == plain(COMPILERS)


def test_an_optimizer_from_before_the_compiler_came_is_the_compilers_from_then_on() -> None:
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
    assert lean(code) == plain(code)


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


def test_a_script_sees_what_it_sees_without_the_worker() -> None:
    found = lean(ORDINARY)
    assert found == plain(ORDINARY)
    assert "collected" in found


def test_a_submodule_that_came_with_the_compiler_still_comes() -> None:
    # Named, and not imported.
    code = "import torch\nprint(torch.distributed.fsdp.FullyShardedDataParallel.__name__)"
    assert lean(code) == plain(code)


def test_torchvision_has_the_compilers_own_word_for_what_it_asks_it() -> None:
    code = """
    import importlib
    module = importlib.import_module("torchvision.ops.roi_align")
    print(module.is_compile_supported("cpu"), module.is_compile_supported("meta"))
    from torch._dynamo.utils import is_compile_supported
    print(is_compile_supported.__module__)
    """
    assert lean(code) == plain(code)
