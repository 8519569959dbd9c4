"""Probes the student's `evaluate` on a network of the grader, with images in two batchings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from grader.worker import networks
from grader.worker.dataset_view import loader
from grader.worker.observer.networks import tracked_batches
from grader.worker.probes.outputs import Rows, as_rows, put_together
from grader.worker.probes.script_run import install_briefly
from grader.worker.session import Answer, Session
from grader.worker.student_code import sources
from grader.worker.student_code.execution import call

NAME = "evaluate"


def evaluate(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """Call `evaluate(model, loader)` and record the network's outputs.

    Args:
        session: the session.
        args: `network`, a spec; `shape` (N, 3, H, W); `orders`: for each batching the `index` of
            the images and the `batch` size.
        blobs: float32 images, int64 labels.

    Returns:
        For each order whether the logits of all images were seen (`complete`) and whether the
        network was left in train mode; whether buffers moved; batches tracked. Blobs: float32
        logits (N, C) per order, in the order of the images.
    """
    student = install_briefly(session, None).function(session, NAME)
    if student is None or sources.has_own_signature(session.folder, NAME):
        raise sources.not_found(session.folder, f"a function {NAME}(model, loader)")
    network = networks.build(args["network"])
    _randomize_statistics(network, int(args["network"].get("seed", 0)))
    shape = tuple(args["shape"])
    images = torch.from_numpy(np.frombuffer(blobs[0], dtype="<f4").reshape(shape).copy())
    labels = torch.from_numpy(np.frombuffer(blobs[1], dtype="<i8").copy())
    before = [buffer.detach().clone() for buffer in network.buffers()]
    logits, complete, modes = [], [], []
    for order in args["orders"]:
        network.train()
        rows = _logits(student, network, images[order["index"]], labels[order["index"]], order)
        complete.append(len(rows) == shape[0])
        modes.append(network.training)
        inverse = np.argsort(order["index"])
        logits.append(rows[inverse].tobytes() if complete[-1] else b"")
    return {
        "complete": complete,
        "train_mode_afterwards": modes,
        "buffers_moved": not all(
            torch.equal(old, new) for old, new in zip(before, network.buffers(), strict=True)
        ),
        "batches_tracked": tracked_batches(network),
    }, tuple(logits)


def _logits(
    student: Any, network: nn.Module, images: torch.Tensor, labels: torch.Tensor, order: Any
) -> Rows:
    """Call the student's function and record the network's outputs, row by row."""
    seen: list[Rows] = []
    hook = network.register_forward_hook(
        lambda module, inputs, output: seen.append(as_rows(output, None))
    )
    try:
        call(student, network, loader(images, labels, int(order["batch"]), None))
    finally:
        hook.remove()
    return put_together(seen)


def _randomize_statistics(network: nn.Module, seed: int) -> None:
    """Draw running statistics unlike any batch's, so that train mode shows in the logits."""
    generator = torch.Generator().manual_seed(seed)
    for name, buffer in network.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.2, generator=generator)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5, generator=generator)
