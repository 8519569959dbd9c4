import torch
import torch.nn as nn


class Block(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(n, n, 3, 1, 1, bias=False), nn.BatchNorm2d(n)
        self.conv2, self.bn2 = nn.Conv2d(n, n, 3, 1, 1, bias=False), nn.BatchNorm2d(n)

    def forward(self, x):
        h = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(x + self.bn2(self.conv2(h)))


def build_model(num_classes=10):
    n = 4
    return nn.Sequential(
        nn.Conv2d(3, n, 3, 1, 1, bias=False), nn.BatchNorm2d(n), nn.ReLU(), Block(n), Block(n),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * n, num_classes),
    )


def make_optimizer(model):
    bn = [p for m in model.modules() if isinstance(m, nn.BatchNorm2d) for p in m.parameters()]
    layers = [m for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    bias = [m.bias for m in layers if m.bias is not None]
    return torch.optim.SGD(
        [
            {"params": bn + bias, "weight_decay": 0},
            {"params": [m.weight for m in layers], "weight_decay": 0.001},
        ],
        lr=0.007, momentum=0.9, nesterov=True,
    )


def train_one_epoch(model, loader, optimizer):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    return loss.item()


def evaluate(model, loader):
    model.eval()
    losses, top3 = [], []
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            losses.append(nn.functional.cross_entropy(out, y).item())
            top3.append((out.topk(3, dim=1).indices == y[:, None]).any(1).float().mean().item())
    return sum(losses) / len(losses), max(top3)


def train(model, train_loader, validation_loader, epochs):
    opt = make_optimizer(model)
    history = []
    for e in range(epochs):
        train_loss = train_one_epoch(model, train_loader, opt)
        loss, accuracy = evaluate(model, validation_loader)
        history.append({"epoch": e, "train_loss": train_loss, "val_loss": loss, "val_accuracy": accuracy})
    return history
