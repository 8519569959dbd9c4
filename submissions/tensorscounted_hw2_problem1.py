import torch.nn as nn
from torchvision.models import resnet18

model = resnet18()

num_bn = 0
num_bias = 0
num_other = 0
params_in_layer = {}
for name, layer in model.named_modules():
    for pname, p in layer.named_parameters(recurse=False):
        params_in_layer[name] = params_in_layer.get(name, 0) + 1
        if isinstance(layer, nn.BatchNorm2d):
            num_bn += 1
        elif pname == "bias":
            num_bias += 1
        else:
            num_other += 1

print(params_in_layer)
print("batch norm params:", num_bn)
print("bias params:", num_bias)
print("other params:", num_other)
