# Training on CIFAR-10. First run problem1 for the parameter groups.
import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


def train(loader, model, loss_fn, optimizer, device):
    model.train()
    for batch, (X, y) in enumerate(loader):
        X, y = X.to(device), y.to(device)
        loss = loss_fn(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if batch % 10 == 0:
            print(f"loss: {loss.item():>7f}  [{batch * len(X):>5d}/{len(loader.dataset):>5d}]")


def test(loader, model, loss_fn, device):
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            pred = model(X)
            test_loss += loss_fn(pred, y).item()
            correct += (pred.argmax(1) == y).type(torch.float).sum().item()
    print(f"Accuracy: {100 * correct / len(loader.dataset):>0.1f}%, Avg loss: {test_loss / len(loader):>8f}")


class Bottleneck(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(c, c // 2, 1, bias=False), nn.BatchNorm2d(c // 2), nn.ReLU(),
            nn.Conv2d(c // 2, c // 2, 3, padding=1, bias=False), nn.BatchNorm2d(c // 2), nn.ReLU(),
            nn.Conv2d(c // 2, c, 1, bias=False), nn.BatchNorm2d(c),
        )

    def forward(self, x):
        return nn.functional.relu(x + self.layers(x))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--lr", type=float, default=0.05)
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"

    to_tensor = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)])
    train_loader = DataLoader(datasets.CIFAR10("data", True, to_tensor, download=True), 32, True)
    val_loader = DataLoader(datasets.CIFAR10("data", False, to_tensor, download=True), 256)

    model = nn.Sequential(
        nn.Conv2d(3, 32, 4, stride=4), nn.BatchNorm2d(32), nn.ReLU(),
        Bottleneck(32), nn.MaxPool2d(2), Bottleneck(32),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(128, 10),
    ).to(device)
    decayed = [m.weight for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    ids = {id(p) for p in decayed}
    spared = [p for p in model.parameters() if id(p) not in ids]
    optimizer = torch.optim.SGD(
        [{"params": decayed, "weight_decay": 1e-3}, {"params": spared}],
        lr=args.lr, momentum=0.9, nesterov=True,
    )
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 4, 0.1)
    for t in range(args.epochs):
        print(f"Epoch {t + 1}\n-------------------------------")
        train(train_loader, model, nn.CrossEntropyLoss(), optimizer, device)
        test(val_loader, model, nn.CrossEntropyLoss(), device)
        scheduler.step()


if __name__ == "__main__":
    main()
