"""Wrong: there is no tanh, so the network is a straight line."""

import torch
from torch import nn


def build_model(hidden):
    return nn.Sequential(nn.Linear(1, hidden), nn.Linear(hidden, 1))


def train(model, x, y, steps):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
