import argparse
import os
import random

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
import torchvision.models as models
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

model_names = sorted(name for name in models.__dict__
                     if name.islower() and not name.startswith("__") and callable(models.__dict__[name]))

parser = argparse.ArgumentParser(description="PyTorch CIFAR10 training")
parser.add_argument("data", nargs="?", default="./data")
parser.add_argument("-a", "--arch", metavar="ARCH", default="resnet18", help="model architecture")
parser.add_argument("--opt", default="SGD")
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--weight-decay", type=float, default=5e-4)
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--seed", type=int, default=None)
args = parser.parse_args()


def main():
    if args.seed is not None:
        random.seed(args.seed)
        np.random.seed(args.seed)
        torch.manual_seed(args.seed)
        torch.backends.cudnn.deterministic = True
    model = getattr(models, args.arch)(num_classes=10)
    optimizer = getattr(optim, args.opt)(model.parameters(), lr=args.lr, weight_decay=args.weight_decay)
    train_set = datasets.CIFAR10(args.data, train=True, transform=transforms.ToTensor())
    loader = DataLoader(train_set, batch_size=128, shuffle=True, num_workers=os.cpu_count())
    criterion = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            criterion(model(x), y).backward()
            optimizer.step()
    print(vars(args))


if __name__ == "__main__":
    main()
