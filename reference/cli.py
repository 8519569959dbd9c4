"""Train the reference solution and report its top-1 accuracy on the hidden images.

    python -m reference                  # shapes that the grader draws, no download
    python -m reference --data cifar10 --path data --download --epochs 100 --schedule step

Writes a checkpoint and a plot of the learning curves into the folder of --out.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .loader import DeviceLoader, crop_and_flip
from .resnet import build_model
from .train import SCHEDULES, evaluate, train

# This module runs on the host only. Packages that the container lacks are imported inside the
# functions, so that importing it there still works.
if TYPE_CHECKING:
    from grader.run.data.datasets import Dataset

_SMALL = ("shapes", "digits")   # some hundred hidden images; what is mirrored is another class


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line, train, and print the accuracy.

    Args:
        arguments: Command-line arguments; None takes those of the process.

    Raises:
        SystemExit: An option or the data set is wrong; the message is on stderr.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from grader.errors import DataError

    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        dataset = _dataset(options)
    except (DataError, ValueError) as error:
        parser.error(str(error))

    torch.manual_seed(options.seed)
    model = build_model(len(dataset.classes), options.width)
    device = next(model.parameters()).device
    loaders = _loaders(dataset, options.batch_size, device)
    columns = TextColumn("epoch"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total}")
    started = time.perf_counter()
    with Progress(*columns, TimeElapsedColumn(), TextColumn("{task.description}")) as progress:
        bar = progress.add_task("", total=options.epochs)

        def show(row: dict[str, float]) -> None:
            seconds = time.perf_counter() - started
            losses = f"{row['train_loss']:.3f}, validation loss {row['validation_loss']:.3f}"
            text = f"train loss {losses}, top-1 {row['validation_accuracy']:.2%}"
            progress.update(bar, advance=1, description=text)
            if not progress.console.is_terminal:
                progress.console.print(f"epoch {row['epoch']:.0f}: {text}, {seconds:.1f} s")

        history = train(
            model,
            loaders["train"],
            loaders["validation"],
            options.epochs,
            schedule=options.schedule,
            lr=options.lr,
            weight_decay=options.weight_decay,
            on_epoch=show,
        )
    seconds = time.perf_counter() - started
    _, accuracy = evaluate(model, loaders["hidden"])

    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    torch.save({"model": model.state_dict(), "classes": dataset.classes}, out / "checkpoint.pt")
    _plot(history, out / "learning-curve.png")
    print(
        f"top-1 {accuracy:.2%} on {len(dataset.hidden_labels)} hidden images of {options.data}, "
        f"seed {options.seed}, {seconds:.1f} s, {_name(device)}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reference", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--data", choices=["shapes", "digits", "cifar10", "imagefolder"], default="shapes")
    add("--path", type=Path, help="folder of CIFAR-10, or folder or zip of train|test/CLASS/image")
    add("--download", action="store_true", help="fetch CIFAR-10 into --path if it is not there")
    add("--hidden-images", type=Path, help=".npy, uint8 (N, H, W, 3), such as CIFAR-10.1")
    add("--hidden-labels", type=Path, help=".npy, integers (N,)")
    add("--limit-train", type=int, help="number of training images to use")
    add("--cache", type=Path, default=Path("data/cache"), help="for decoded images")
    add("--epochs", type=int, default=10)
    add("--batch-size", type=int, default=64)
    add("--schedule", choices=sorted(SCHEDULES), default="one_cycle")
    add("--lr", type=float, default=0.1)
    add("--weight-decay", type=float, default=5e-3, help="for the weights; the homework says 1e-3")
    add("--width", type=int, help="of the network; default: 64 on a GPU, 16 on a CPU")
    add("--seed", type=int, default=0, help="for the training; the split of the data is fixed")
    add("--out", type=Path, default=Path("runs/reference"), help="folder for the results")
    return parser


def _dataset(options: argparse.Namespace) -> Dataset:
    from grader.rubric.model import DataSpec, Hidden
    from grader.run.data.datasets import load_dataset

    if options.download and options.data == "cifar10":
        from torchvision.datasets import CIFAR10

        CIFAR10(options.path or Path("data"), download=True)
    held_out = 300 if options.data in _SMALL else 5000
    images, labels = options.hidden_images, options.hidden_labels
    spec = DataSpec(
        source=options.data,
        path=options.path or (Path("data") if options.data == "cifar10" else None),
        validation=held_out,
        hidden=Hidden(images=images, labels=labels, held_out=None if images else held_out),
        seed=0,
        limit_train=options.limit_train,
    )
    return load_dataset(spec, options.cache)


def _loaders(dataset: Dataset, batch_size: int, device: torch.device) -> dict[str, DeviceLoader]:
    """Put all images on the device, normalised by the training images' mean and deviation."""
    pixels = torch.from_numpy(dataset.train_images).double() / 255
    mean, std = pixels.mean(dim=(0, 1, 2)), pixels.std(dim=(0, 1, 2))

    def images(part: str) -> Tensor:
        raw = torch.from_numpy(getattr(dataset, f"{part}_images")).to(device)
        scaled = (raw.float() / 255 - mean.float().to(device)) / std.float().to(device)
        return scaled.permute(0, 3, 1, 2)  # a view, so already channels-last

    def labels(part: str) -> Tensor:
        return torch.from_numpy(getattr(dataset, f"{part}_labels")).to(device)

    augment = None if dataset.name in _SMALL else crop_and_flip
    return {
        "train": DeviceLoader(images("train"), labels("train"), batch_size, True, augment),
        "validation": DeviceLoader(images("validation"), labels("validation"), 500),
        "hidden": DeviceLoader(images("hidden"), labels("hidden"), 500),
    }


def _plot(history: list[dict[str, float]], file: Path) -> None:
    from matplotlib.figure import Figure  # without pyplot: no display, no global state

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    losses, accuracies = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    losses.plot(epochs, [row["train_loss"] for row in history], label="training, smoothed labels")
    losses.plot(epochs, [row["validation_loss"] for row in history], label="validation")
    losses.set(xlabel="epoch", ylabel="cross-entropy, nats")
    losses.legend()
    accuracies.plot(epochs, [row["validation_accuracy"] for row in history], label="validation")
    accuracies.set(xlabel="epoch", ylabel="top-1 accuracy")
    accuracies.legend()
    figure.savefig(file, dpi=150)


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"
