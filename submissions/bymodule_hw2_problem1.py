# ESE 546 HW2 problem 1 (c), (e)
# time spent: 3h, collaborators: none
import torch.nn as nn
from torchvision.models import resnet18

model = resnet18(weights=None)

# (c)
layer_params = {}
for name, m in model.named_modules():
    own = [p for p in m.parameters(recurse=False)]
    if len(own) > 0:
        layer_params[name] = sum(p.numel() for p in own)

for name in layer_params:
    print("%-25s %10d" % (name, layer_params[name]))
print("total", sum(layer_params.values()))

# (e)
bn_params = []
bias_params = []
other_params = []
for m in model.modules():
    if isinstance(m, nn.BatchNorm2d):
        bn_params.append(m.weight)
        bn_params.append(m.bias)
    elif isinstance(m, nn.Conv2d) or isinstance(m, nn.Linear):
        other_params.append(m.weight)
        if m.bias is not None:
            bias_params.append(m.bias)

print("bn", sum(p.numel() for p in bn_params))
print("bias", sum(p.numel() for p in bias_params))
print("other", sum(p.numel() for p in other_params))
