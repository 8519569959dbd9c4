"""`torch.compile` compiles nothing, and its result behaves like torch's own."""

from __future__ import annotations

from pathlib import Path

from tests.worker.shimmed_script import run


def test_a_compiled_module_is_the_module_in_a_wrapper(tmp_path: Path) -> None:
    code = """
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc, self.drop, self.width = nn.Linear(4, 2), nn.Dropout(), 4
                self.register_buffer("steps", torch.zeros(1))
            def forward(self, x, scale=1):
                return self.drop(self.fc(x)) * scale
            def twice(self):
                return 2 * self.width

        net = Net()
        compiled = torch.compile(net, backend="none that there is")
        assert isinstance(compiled, nn.Module) and compiled._orig_mod is net
        assert list(compiled.state_dict()) == [
            "_orig_mod.steps", "_orig_mod.fc.weight", "_orig_mod.fc.bias"]
        assert [id(p) for p in compiled.parameters()] == [id(p) for p in net.parameters()]
        assert compiled.training and net.training
        compiled.eval()
        assert not compiled.training and not net.training and not net.drop.training
        x = torch.randn(3, 4)
        assert torch.equal(compiled(x, scale=2), net(x, scale=2))
        net.train()
        assert compiled.training
        assert compiled.twice() == 8 and compiled.fc is net.fc and compiled.steps is net.steps
        compiled.width = 7
        assert net.width == 7 and "width" not in vars(compiled)
        compiled.fc = nn.Linear(4, 3)
        assert net.fc.out_features == 3 and compiled(x).shape == (3, 3)
        assert not hasattr(compiled, "nothing")
    """
    (note,) = run(tmp_path, code).notes
    assert "torch.compile was left out" in note


def test_a_compiled_module_is_trained_saved_loaded_and_copied(tmp_path: Path) -> None:
    code = """
        import copy, io, torch
        from torch import nn
        torch.manual_seed(0)
        model = torch.compile(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        before = copy.deepcopy(model)
        model(torch.randn(8, 4)).square().sum().backward()
        optimizer.step()
        weight = model._orig_mod[0].weight
        assert not torch.equal(before._orig_mod[0].weight, weight)
        before.load_state_dict(model.state_dict())
        assert torch.equal(before._orig_mod[0].weight, weight)
        torch.save(model, kept := io.BytesIO())
        kept.seek(0)
        again = torch.load(kept, weights_only=False)
        assert torch.equal(again._orig_mod[0].weight, weight)
        assert nn.DataParallel(model)(torch.randn(2, 4)).shape == (2, 4)
        assert model.to(torch.float64)._orig_mod[0].weight.dtype == torch.float64
    """
    run(tmp_path, code)


def test_a_decorated_function_is_unchanged(tmp_path: Path) -> None:
    code = """
        import torch
        from torch import nn

        @torch.compile
        def one(x):
            return x + 1

        @torch.compile(fullgraph=True, dynamic=False)
        def two(x):
            return x + 2

        @torch.compile(backend="eager")
        class Never(nn.Module):
            pass

        def three(x):
            return x + 3

        assert torch.compile(three) is three
        assert one(1) == 2 and two(1) == 3 and isinstance(Never(), nn.Module)
        layer = nn.Linear(2, 2)
        assert layer.compile(mode="reduce-overhead") is None and layer(torch.ones(2)).shape == (2,)
    """
    assert len(run(tmp_path, code).notes) == 1
