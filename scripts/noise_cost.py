"""Measures the top-1 accuracy that the noise on hidden images costs an honest network.

    python scripts/noise_cost.py --seeds 10                                   # digits
    python scripts/noise_cost.py --cifar data/cifar10-jpeg.zip --epochs 4     # CIFAR-10, JPEG

Trains the reference once per seed, on one thread. Compares its accuracy on hidden images without
noise, and with the noise of twenty runs.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from grader.rubric.model import DataSpec, Hidden
from grader.run.data import datasets as data
from reference.loader import DeviceLoader
from reference.resnet import build_model
from reference.train import train

RUNS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cifar", type=Path, help="folder or zip; the digits without it")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    spec, batch = DataSpec(validation=300, hidden=Hidden(held_out=300)), 64
    if options.cifar:
        spec = DataSpec(source="imagefolder", path=options.cifar, validation=5000,
                        hidden=Hidden(held_out=5000))
        batch = 128
    with tempfile.TemporaryDirectory() as cache:
        dataset = data.load(spec, Path(cache))
    for seed in range(options.seeds):
        network = _trained(dataset, seed, options.epochs, batch)
        clean = _accuracy(network, dataset, dataset.hidden_images)
        noisy = [
            _accuracy(network, dataset,
                      data.with_noise(dataset.hidden_images, np.random.default_rng([run, 2])))
            for run in range(RUNS)
        ]
        print(f"seed {seed}: as they are {clean:.2%}, with noise {np.mean(noisy):.2%} "
              f"({min(noisy):.2%} to {max(noisy):.2%})", flush=True)


def _trained(dataset: data.Dataset, seed: int, epochs: int, batch: int) -> nn.Module:
    torch.manual_seed(seed)
    network = build_model(len(dataset.classes), 16)
    images, labels = _tensor(dataset, dataset.train_images), torch.from_numpy(dataset.train_labels)
    training = DeviceLoader(images, labels, batch, shuffle=True)
    images = _tensor(dataset, dataset.validation_images)
    validation = DeviceLoader(images, torch.from_numpy(dataset.validation_labels), 500)
    train(network, training, validation, epochs)
    return network


def _tensor(dataset: data.Dataset, images: NDArray[np.uint8]) -> Tensor:
    """Standardises images as the worker does: by the training images' mean and deviation."""
    training = torch.from_numpy(dataset.train_images).float() / 255
    mean, deviation = training.mean((0, 1, 2)), training.std((0, 1, 2), correction=0)
    pixels = torch.from_numpy(images).float() / 255
    return ((pixels - mean) / deviation).permute(0, 3, 1, 2).contiguous()


@torch.no_grad()
def _accuracy(network: nn.Module, dataset: data.Dataset, images: NDArray[np.uint8]) -> float:
    network.eval()
    found = [network(part).argmax(1) for part in torch.split(_tensor(dataset, images), 500)]
    return float((torch.cat(found).numpy() == dataset.hidden_labels).mean())


if __name__ == "__main__":
    main()
