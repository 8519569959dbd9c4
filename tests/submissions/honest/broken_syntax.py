import torch
from torch import nn

def build(n)
    net = nn.Sequential()
    for i in range(n):
        net.add_module(f"l{i}", nn.Linear(2, 2))
    return net
