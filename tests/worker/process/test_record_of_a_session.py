"""A session's answer about its training is what the supervisor recorded, not what it says later."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from grader.checks.training_run import TRAIN
from grader.records import Question
from grader.rubric.model import Limits
from grader.sandbox.base import Job
from grader.sandbox.conversation import converse
from grader.sandbox.process import ProcessSandbox

# Trains in eval mode, evaluates in train mode and decays the batch norm, and then rewrites all that
# the session holds of it. At last it sends an event of its own.
FORGERY = """
import gc, os
import torch
import torch.nn.functional as F
from torch import nn

def build_model(num_classes=10):
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, num_classes))

def train(model, train_loader, validation_loader, epochs):
    norms = list(model[1].parameters())
    rest = [p for p in model.parameters() if all(p is not norm for norm in norms)]
    optimizer = torch.optim.SGD(
        [{"params": norms, "weight_decay": 0.5}, {"params": rest, "weight_decay": 0.0}], lr=0.1)
    model.eval()
    for images, labels in train_loader:
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
    model.train()
    with torch.no_grad():
        for images, labels in validation_loader:
            model(images)
    observer = next(one for one in gc.get_objects() if type(one).__name__ == "Observer")
    for network in observer.history.networks.values():
        for phase in network.phases:
            phase.norms_training, phase.norms_evaluating = phase.norms_evaluating, 0
            phase.statistics_moved = False
    for used in observer.history.optimizers._used.values():
        used.groups.reverse()
    observer.recorder._send(b'\\x00\\x00\\x00\\x3c' + b'\\x00' * 8 + (
        b'{"type": "record", "number": 1, "events": [], "blobs": []}  '))
    return []
"""


def test_a_session_that_rewrites_its_history_answers_as_it_trained(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "submission"
    data.mkdir()
    folder.mkdir()
    (folder / "hw2.py").write_text(FORGERY, encoding="utf-8")
    (data / "meta.json").write_text(json.dumps({"classes": ["dark", "light"]}), encoding="utf-8")
    for split, count in (("train", 96), ("validation", 32)):
        labels = np.arange(count) % 2
        images = np.zeros((count, 8, 8, 3), dtype=np.uint8) + labels[:, None, None, None] * 200
        np.save(data / f"{split}_images.npy", images.astype(np.uint8))
        np.save(data / f"{split}_labels.npy", labels)
    args = {"epochs": 1, "seconds": 60, "stall": 60, "batch": 32, "seed": 0, "threads": 1}
    question = Question(TRAIN, "train", args, TRAIN, 120.0)
    (evidence,) = converse(ProcessSandbox(), Job("ada", folder, (question,), Limits(), data))
    assert evidence.outcome.answered, evidence.outcome
    value = evidence.value
    modes = [(row["kind"], row["norms_training"], row["norms_evaluating"]) for row in value["runs"]]
    assert modes == [("train", 0, 3), ("evaluate", 1, 0)]
    assert value["runs"][1]["statistics_moved"]
    decayed = [group["names"] for group in value["optimizer"]["groups"] if group["weight_decay"]]
    assert decayed == [["1.weight", "1.bias"]]
    assert value["tampered"]
    assert [one["images"] for one in value["learnt"]["windows"]] == [64, 32]
