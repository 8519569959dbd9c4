import torch.nn as nn

BATCH_NORM = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def layer_parameter_counts(model):
    counts = {}
    for name, layer in model.named_modules():
        n = sum(p.numel() for p in layer.parameters(recurse=False) if p.requires_grad)
        if n > 0:
            counts[name] = n
    return counts


def group_parameters(model):
    bn, biases, rest = [], [], []
    for layer in model.modules():
        for name, p in layer.named_parameters(recurse=False):
            if isinstance(layer, BATCH_NORM):
                bn.append(p)
            elif name == "bias" and isinstance(layer, (nn.Conv2d, nn.Linear)):
                biases.append(p)
            else:
                rest.append(p)
    return bn, biases, rest
