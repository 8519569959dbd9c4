from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from reference import cli
from reference.loader import DeviceLoader, crop_and_flip
from reference.param_groups import group_parameters
from reference.resnet import ResNet18
from reference.train import SCHEDULES, evaluate, make_optimizer, train, train_one_epoch


class Net(nn.Module):
    """Small, with batch norm and dropout; remembers the mode of each forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(4, 3)
        self.modes: list[bool] = []

    def forward(self, images: Tensor) -> Tensor:
        self.modes.append(self.training)
        features = self.dropout(self.norm(self.conv(images)).relu().mean(dim=(2, 3)))
        logits: Tensor = self.fc(features)
        return logits


def batches(count: int = 10, batch_size: int = 4) -> DeviceLoader:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(count, 3, 8, 8, generator=generator)
    return DeviceLoader(images, torch.randint(3, (count,), generator=generator), batch_size)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads that wait for each other on a busy core take twenty times as long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_weight_decay_is_on_the_rest_only() -> None:
    model = ResNet18(width=4)
    optimizer = make_optimizer(model, lr=0.3, momentum=0.8, weight_decay=0.02)
    decay = {id(p): g["weight_decay"] for g in optimizer.param_groups for p in g["params"]}
    batch_norm, biases, rest = group_parameters(model)
    assert {decay[id(p)] for p in batch_norm + biases} == {0.0}
    assert {decay[id(p)] for p in rest} == {0.02}
    assert len(decay) == len(list(model.parameters()))
    assert {(g["lr"], g["momentum"], g["nesterov"]) for g in optimizer.param_groups} == {
        (0.3, 0.8, True)
    }


def test_frozen_parameters_are_left_out_of_the_optimizer() -> None:
    model = Net()
    model.conv.requires_grad_(False)
    optimized = [id(p) for g in make_optimizer(model).param_groups for p in g["params"]]
    assert optimized == [id(p) for p in (model.norm.weight, model.norm.bias)] + [
        id(model.fc.bias),
        id(model.fc.weight),
    ]


def test_training_is_in_train_mode_and_moves_the_running_statistics() -> None:
    model = Net().eval()
    loss = train_one_epoch(model, batches(), make_optimizer(model))
    assert model.modes == [True] * 3
    assert int(model.norm.num_batches_tracked) == 3  # type: ignore[arg-type]
    assert 0 < loss < 10


def test_the_training_loss_is_the_mean_over_images() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 3))
    data = batches()
    expected = F.cross_entropy(model(data.images), data.labels, label_smoothing=0.1)
    loss = train_one_epoch(model, data, make_optimizer(model, lr=0.0))
    assert loss == pytest.approx(expected.item(), rel=1e-5)


def test_the_scheduler_steps_after_each_batch() -> None:
    model = Net()
    optimizer = make_optimizer(model, lr=1.0)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    train_one_epoch(model, batches(), optimizer, scheduler)
    assert scheduler.get_last_lr()[0] == 0.125


@pytest.mark.parametrize("training", [True, False])
def test_evaluation_restores_the_mode_of_each_module(training: bool) -> None:
    model = Net().train(training)
    model.norm.eval()  # frozen on purpose, as in fine-tuning
    evaluate(model, batches())
    assert model.modes == [False] * 3
    assert (model.training, model.dropout.training, model.norm.training) == (
        training,
        training,
        False,
    )


def test_the_mode_is_restored_when_evaluation_fails() -> None:
    model = Net()
    with pytest.raises(RuntimeError):
        evaluate(model, [(torch.zeros(2, 5, 8, 8), torch.zeros(2, dtype=torch.long))])
    assert model.training and model.norm.training


def test_evaluation_changes_nothing_and_records_no_gradients() -> None:
    model = Net()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    recorded: list[bool] = []
    model.register_forward_hook(lambda *call: recorded.append(call[2].requires_grad))
    evaluate(model, batches())
    assert recorded == [False] * 3
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_evaluation_is_the_mean_over_images_whatever_the_batches() -> None:
    model, data = Net().eval(), batches()
    logits = model(data.images)
    accuracy = (logits.argmax(1) == data.labels).double().mean().item()
    loss = F.cross_entropy(logits, data.labels).item()
    for size in (3, 4, 10):
        found = evaluate(model, batches(batch_size=size))
        assert found == pytest.approx((loss, accuracy), rel=1e-5)


def test_the_history_has_a_row_for_each_epoch_as_it_ends() -> None:
    told: list[dict[str, float]] = []
    data = batches()
    history = train(Net(), data, data, 3, on_epoch=told.append)
    assert [row["epoch"] for row in history] == [1, 2, 3]
    assert told == history
    assert {"train_loss", "validation_loss", "validation_accuracy", "lr"} <= set(history[0])


def test_the_step_schedule_is_the_homeworks() -> None:
    data = batches()
    rates = [row["lr"] for row in train(Net(), data, data, 5, schedule="step")]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001])


def test_the_one_cycle_schedule_goes_up_once_and_down_to_zero() -> None:
    factors = [SCHEDULES["one_cycle"](step / 100) for step in range(101)]
    assert factors.index(max(factors)) == 25 and max(factors) == pytest.approx(1)
    assert factors[:26] == sorted(factors[:26])
    assert factors[25:] == sorted(factors[25:], reverse=True)
    assert factors[0] > 0 and factors[-1] == 0


def test_a_loader_gives_each_image_once_in_another_order_each_epoch() -> None:
    loader = DeviceLoader(torch.zeros(10, 3, 8, 8), torch.arange(10), 4, shuffle=True)
    epochs = [torch.cat([labels for _, labels in loader]).tolist() for _ in range(3)]
    assert len(loader) == 3 == len(list(loader))
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] or epochs[1] != epochs[2]


def test_cropping_shifts_by_an_eighth_at_most_and_mirrors_some() -> None:
    torch.manual_seed(0)
    images = torch.zeros(200, 3, 16, 16)
    images[:, :, 8, 5] = 1
    changed = crop_and_flip(images)
    assert changed.shape == images.shape
    places = {tuple(place[1:].tolist()) for place in changed[:, 0].nonzero()}
    rows, columns = {row for row, _ in places}, {column for _, column in places}
    assert rows == {6, 7, 8, 9, 10}
    assert columns == {3, 4, 5, 6, 7} | {8, 9, 10, 11, 12}
    assert torch.equal(changed[:, 0], changed[:, 2])


def test_the_reference_learns_the_digits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["--data", "digits", "--out", str(tmp_path), "--cache", str(tmp_path)])
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert "300 hidden images of digits, seed 0" in last and last.endswith("CPU, 1 threads")
    assert float(last.split()[1].rstrip("%")) >= 97
    assert (tmp_path / "learning-curve.png").stat().st_size > 10_000
    checkpoint = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    ResNet18(width=16).load_state_dict(checkpoint["model"])


def test_an_ordinary_data_loader_works() -> None:
    data = batches()
    loader = DataLoader(TensorDataset(data.images, data.labels), batch_size=4)
    assert len(train(Net(), loader, loader, 1)) == 1


def test_hidden_images_may_come_from_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", np.zeros((7, 8, 8, 3), np.uint8))
    np.save(tmp_path / "y.npy", np.zeros(7, np.int32))
    hidden = [
        "--hidden-images",
        str(tmp_path / "x.npy"),
        "--hidden-labels",
        str(tmp_path / "y.npy"),
    ]
    few = ["--data", "digits", "--epochs", "1", "--limit-train", "64"]
    cli.main([*hidden, *few, "--out", str(tmp_path)])
    assert "on 7 hidden images" in capsys.readouterr().out


def test_a_wrong_path_is_an_error_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--data", "imagefolder", "--path", "nowhere.zip"])
    assert "nowhere.zip: there is no such folder or file" in capsys.readouterr().err


def test_importing_the_reference_needs_only_what_the_container_has() -> None:
    code = (
        "import sys, reference.train, reference.cli, reference.loader\n"
        "print([n for n in ('grader', 'rich', 'matplotlib', 'sklearn', 'pydantic')"
        " if n in sys.modules])"
    )
    root = Path(cli.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
