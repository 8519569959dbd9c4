import torch
import torch.nn as nn

from resnet_digits import build_model


def group_parameters(model):
    bn, biases, others = [], [], []
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            bn += layer.parameters()
        elif isinstance(layer, (nn.Linear, nn.Conv2d)):
            others.append(layer.weight)
            if layer.bias is not None:
                biases.append(layer.bias)
    return bn, biases, others


def make_optimizer(model):
    bn, biases, others = group_parameters(model)
    return torch.optim.SGD([
        {"params": bn, "weight_decay": 0},
        {"params": biases, "weight_decay": 0},
        {"params": others, "weight_decay": 1e-3},
    ], lr=0.05, momentum=0.9, nesterov=True)


def train_one_epoch(model, loader, optimizer, criterion=nn.CrossEntropyLoss()):
    model.train()
    for data, target in loader:
        optimizer.zero_grad()
        loss = criterion(model(data), target)
        loss.backward()
        optimizer.step()
    return loss.item()


def evaluate(model, loader, criterion=nn.CrossEntropyLoss(reduction="sum")):
    model.eval
    loss, correct = 0, 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            loss += criterion(output, target).item()
            correct += (output.max(1)[1] == target).sum().item()
    n = len(loader.dataset)
    return loss / n, correct / n


def train(model, train_loader, val_loader, epochs):
    optimizer = make_optimizer(model)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=max(1, epochs // 2), gamma=0.1)
    log = {"train_loss": [], "val_loss": [], "val_acc": []}
    for epoch in range(epochs):
        log["train_loss"].append(train_one_epoch(model, train_loader, optimizer))
        loss, acc = evaluate(model, val_loader)
        log["val_loss"].append(loss)
        log["val_acc"].append(acc)
        scheduler.step()
    return log
