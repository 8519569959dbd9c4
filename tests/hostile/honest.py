"""What an honest student hands in: every criterion of rubric.yaml, all points."""

import torch
import torch.nn.functional as F
from torch import nn


def layer_parameter_counts(model):
    counts = {}
    for name, layer in model.named_modules():
        own = sum(p.numel() for p in layer.parameters(recurse=False) if p.requires_grad)
        if own:
            counts[name] = own
    return counts


def group_parameters(model):
    norms, biases, rest = [], [], []
    for layer in model.modules():
        for name, parameter in layer.named_parameters(recurse=False):
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                norms.append(parameter)
            elif name == "bias" and isinstance(layer, (nn.modules.conv._ConvNd, nn.Linear)):
                biases.append(parameter)
            else:
                rest.append(parameter)
    return norms, biases, rest


def build_model(num_classes=10):
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.1), nn.Linear(256, num_classes),
    )


def make_optimizer(model):
    norms, biases, rest = group_parameters(model)
    groups = [
        {"params": norms, "weight_decay": 0.0},
        {"params": biases, "weight_decay": 0.0},
        {"params": rest, "weight_decay": 1e-3},
    ]
    return torch.optim.SGD(groups, lr=0.05, momentum=0.9, nesterov=True)


def train_one_epoch(model, loader, optimizer):
    model.train()
    total = count = 0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        count += len(labels)
    return total / count


def evaluate(model, loader):
    model.eval()
    loss = correct = count = 0
    with torch.no_grad():
        for images, labels in loader:
            logits = model(images)
            loss += F.cross_entropy(logits, labels, reduction="sum").item()
            correct += (logits.argmax(1) == labels).sum().item()
            count += len(labels)
    return loss / count, correct / count


def train(model, train_loader, validation_loader, epochs):
    optimizer = make_optimizer(model)
    history = []
    for _ in range(epochs):
        train_loss = train_one_epoch(model, train_loader, optimizer)
        validation_loss, accuracy = evaluate(model, validation_loader)
        history.append({"train_loss": train_loss, "validation_loss": validation_loss,
                        "validation_accuracy": accuracy})
    return history
