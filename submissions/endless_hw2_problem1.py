import torch.nn as nn
from torchvision.models import resnet18

model = resnet18(weights=None)
modules = list(model.modules())
bn_params, bias_params, other_params = [], [], []

i = 0
while i < len(modules):
    m = modules[i]
    if isinstance(m, nn.BatchNorm2d):
        bn_params += [m.weight, m.bias]
    elif isinstance(m, (nn.Conv2d, nn.Linear)):
        other_params.append(m.weight)
        if m.bias is None:
            continue
        bias_params.append(m.bias)
    i += 1

print(len(bn_params), len(bias_params), len(other_params))
