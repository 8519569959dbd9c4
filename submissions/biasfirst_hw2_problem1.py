"""Problem 1e: all biases go to the second group, whatever layer they are from."""
from torchvision.models import resnet18
from torch.nn import BatchNorm2d

def split(model):
    bn, bias, remaining = [], [], []
    for module in model.modules():
        for name, param in module.named_parameters(recurse=False):
            if name == 'bias':
                bias += [param]
            elif isinstance(module, BatchNorm2d):
                bn += [param]
            else:
                remaining += [param]
    return bn, bias, remaining

bn_list, bias_list, remaining_list = split(resnet18(weights=None))
print([sum(p.numel() for p in l) for l in (bn_list, bias_list, remaining_list)])
