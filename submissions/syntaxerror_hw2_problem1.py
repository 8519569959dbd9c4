import torch.nn as nn
from torchvision.models import resnet18

model = resnet18(weights=None)
bn_params, bias_params, other_params = [], [], []
for m in model.modules()
    if isinstance(m, nn.BatchNorm2d):
        bn_params += [m.weight, m.bias]
    elif isinstance(m, (nn.Conv2d, nn.Linear)):
        other_params.append(m.weight)
        if m.bias is not None:
            bias_params.append(m.bias)
print(len(bn_params), len(bias_params), len(other_params))
