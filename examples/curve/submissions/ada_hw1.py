"""Right, in another style than the reference."""

import torch


class Net(torch.nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.first = torch.nn.Linear(1, hidden)
        self.last = torch.nn.Linear(hidden, 1)

    def forward(self, x):
        return self.last(torch.tanh(self.first(x)))


def build_model(hidden):
    return Net(hidden)


def train(model, x, y, steps):
    model.train()
    optimizer = torch.optim.RAdam(model.parameters(), lr=0.02)
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return losses
