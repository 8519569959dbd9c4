"""Wrong: no running statistics, so evaluation uses the batch's own."""

import torch
from torch import nn


class BatchNorm2d(nn.Module):
    def __init__(self, channels, momentum=0.1, eps=1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        rows = x.transpose(0, 1).flatten(1)
        if True:
            var, mean = torch.var_mean(rows, 1)
            keep = 1 - self.momentum
            self.running_mean = keep * self.running_mean + self.momentum * mean.detach()
            self.running_var = keep * self.running_var + self.momentum * var.detach()
            var = var * (rows.shape[1] - 1) / rows.shape[1]
        scale = self.weight / (var + self.eps).sqrt()
        shift = self.bias - mean * scale
        return x * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 24, 3, padding=1), nn.Conv2d(24, 32, 3)
        self.norm_1, self.norm_2 = BatchNorm2d(24), BatchNorm2d(32)
        self.last = nn.Linear(32 * 4, classes)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.norm_1(self.first(x)).relu(), 2)
        x = nn.functional.max_pool2d(self.norm_2(self.second(x)).relu(), 2)
        return self.last(x.flatten(1))


def build_model(classes):
    return Net(classes)


def train(model, train_loader, validation_loader, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model.train()
    for _ in range(epochs):
        for images, labels in train_loader:
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
