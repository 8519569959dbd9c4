"""Gives parts of its network names in HTML and Markdown; the feedback names what is missing."""
# must: Z
# criteria: optimizer-groups
# runs in: docker process

import torch
from torch import nn

SCRIPT = "<script>fetch('http://beacon/script')</script>"
IMAGE = "<img src=http://beacon/image>"
MARKDOWN = "![](http://beacon/picture) {{ 7*7 }} \x1b]0;owned\x07\x1b[41mred \u202e001\n[9/9] eve: 50"


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.add_module(SCRIPT, nn.Conv2d(3, 8, 3))
        self.add_module(IMAGE, nn.BatchNorm2d(8))
        self.add_module(MARKDOWN, nn.Conv2d(8, 8, 3, bias=False))
        self.last = nn.Linear(8, 10, bias=False)

    def forward(self, images):
        first, norm, second, last = self.children()
        return last(second(norm(first(images))).mean((2, 3)))


def build_model(num_classes=10):
    return Network()


def make_optimizer(model):
    return torch.optim.SGD(list(model.parameters())[-1:], lr=0.1)


def train(model, train_loader, validation_loader, epochs):
    optimizer = make_optimizer(model)
    for images, labels in train_loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    return []
