import torch
from torch import nn, optim
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms


class HomeworkTwo:
    def __init__(self):
        self.resnet = models.resnet18()
        self.batchnorm, self.bias, self.remaining = [], [], []
        self.parameters_per_layer = {}

    def count(self):
        for name, layer in self.resnet.named_modules():
            size = sum(p.numel() for p in layer.parameters(recurse=False))
            if size:
                self.parameters_per_layer[name] = size

    def separate(self):
        for layer in self.resnet.modules():
            if isinstance(layer, nn.BatchNorm2d):
                self.batchnorm += list(layer.parameters())
            elif isinstance(layer, (nn.Conv2d, nn.Linear)):
                self.remaining.append(layer.weight)
                if layer.bias is not None:
                    self.bias.append(layer.bias)

    def network(self):
        return nn.Sequential(
            nn.Conv2d(3, 32, 4, 4, bias=False), nn.BatchNorm2d(32), nn.GELU(),
            nn.Conv2d(32, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.GELU(),
            nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(1024, 10))

    def train(self, epochs=10):
        net = self.network()
        special = {p for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)
                   for p in layer.parameters()} | {net[-1].bias}
        optimizer = optim.Adam([
            {"params": [p for p in net.parameters() if p in special], "weight_decay": 0},
            {"params": [p for p in net.parameters() if p not in special], "weight_decay": 1e-4},
        ], lr=3e-3)
        t = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.48,) * 3, (0.25,) * 3)])
        train = DataLoader(datasets.CIFAR10("cifar", True, t, download=True), 64, shuffle=True)
        test = DataLoader(datasets.CIFAR10("cifar", False, t, download=True), 64)
        for epoch in range(epochs):
            net.train()
            for x, y in train:
                optimizer.zero_grad()
                nn.CrossEntropyLoss()(net(x), y).backward()
                optimizer.step()
            print(epoch, self.validate(net, test))

    def validate(self, net, loader):
        net.eval()
        with torch.no_grad():
            return sum((net(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)


homework = HomeworkTwo()
homework.count()
homework.separate()
homework.train()
