"""Groups a network of its own that is small enough to be done by hand, instead of ResNet-18."""
# must: Z or needs_marking
# criteria: parameter-groups
# runs in: docker process
from torch import nn

net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Linear(4, 2, bias=False))
bn = [net[1].weight, net[1].bias]
biases = [net[0].bias]
rest = [net[0].weight, net[2].weight]
print(sum(p.numel() for p in net.parameters()))
