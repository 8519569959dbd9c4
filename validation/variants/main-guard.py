"""Homework 2. Usage: python main-guard.py"""
import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim import SGD
from torch.utils.data import DataLoader
from torchvision import transforms as T
from torchvision.datasets import CIFAR10
from torchvision.models import resnet18

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def count_layers(net):
    return {name: sum(np.prod(p.shape).item() for p in layer.parameters())
            for name, layer in net.named_modules()
            if isinstance(layer, NORMS + (nn.Conv2d, nn.Linear))}


def split_params(net):
    bn, bias, rest = [], [], []
    for layer in net.modules():
        if isinstance(layer, NORMS):
            bn.extend(layer.parameters())
            continue
        for key, p in layer.named_parameters(recurse=False):
            (bias if key == "bias" else rest).append(p)
    return bn, bias, rest


class Net(nn.Module):
    def __init__(self, c=24):
        super().__init__()
        self.a = nn.Conv2d(3, c, 4, 4, bias=False)
        self.a_bn = nn.BatchNorm2d(c)
        self.b = nn.Conv2d(c, c, 3, 1, 1, bias=False)
        self.b_bn = nn.BatchNorm2d(c)
        self.c = nn.Conv2d(c, 2 * c, 3, 2, 1, bias=False)
        self.c_bn = nn.BatchNorm2d(2 * c)
        self.d = nn.Conv2d(2 * c, 2 * c, 3, 1, 1, bias=False)
        self.d_bn = nn.BatchNorm2d(2 * c)
        self.head = nn.Linear(2 * c * 4, 10)

    def forward(self, x):
        x = F.relu(self.a_bn(self.a(x)))
        x = F.relu(x + self.b_bn(self.b(x)))
        x = F.relu(self.c_bn(self.c(x)))
        x = F.relu(x + self.d_bn(self.d(x)))
        return self.head(F.adaptive_avg_pool2d(x, 2).flatten(1))


def loaders(batch):
    t = T.Compose([T.ToTensor(), T.Normalize([0.5] * 3, [0.25] * 3)])
    return [DataLoader(CIFAR10("data", train=train, transform=t, download=True), batch, shuffle=train)
            for train in (True, False)]


def fit(loader, net, loss_fn, opt, device):
    net.train()
    running = 0.0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        loss = loss_fn(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        running += loss.item()
    return running / len(loader)


@torch.no_grad()
def test(loader, net, device):
    net.eval()
    hits = [(net(x.to(device)).argmax(-1).cpu() == y).float() for x, y in loader]
    return torch.cat(hits).mean().item()


def main(args):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    reference = resnet18()
    layers = count_layers(reference)
    print(layers)
    bn_group, bias_group, rest_group = split_params(reference)
    print([sum(p.numel() for p in g) for g in (bn_group, bias_group, rest_group)])

    net = Net().to(device)
    bn, bias, rest = split_params(net)
    opt = SGD([dict(params=bn + bias, weight_decay=0.0), dict(params=rest)], lr=args.lr,
              momentum=0.9, weight_decay=args.wd, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, args.epochs)
    train_loader, test_loader = loaders(args.batch)
    for epoch in range(args.epochs):
        loss = fit(train_loader, net, nn.CrossEntropyLoss(), opt, device)
        schedule.step()
        print(f"epoch {epoch}: loss {loss:.3f}, accuracy {test(test_loader, net, device):.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--wd", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=10)
    main(parser.parse_args())
