import torch.nn as nn
from torchvision.models import resnet18


def get_layer(model, path):
    return model.get_submodule(path)


def replace_layer(model, path, new):
    parent, _, last = path.rpartition(".")
    holder = model.get_submodule(parent) if parent else model
    holder.add_module(last, new)


def to_group_norm(model):
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.BatchNorm2d):
            replace_layer(model, name, nn.GroupNorm(8, module.num_features))
    return model


model = to_group_norm(resnet18())
print(get_layer(model, "layer1.0.bn1"))
for key in ("conv1.weight", "fc.bias"):
    p = model.get_parameter(key)
    print(key, tuple(p.shape), p.grad)
first = getattr(getattr(model, "layer1")[0], "conv1")
print(first.weight.shape, getattr(first, "bias", None))
