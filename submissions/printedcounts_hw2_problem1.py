# Problem 1 e)
import torchvision.models as models
import torch.nn as nn

net = models.resnet18()


def is_norm(layer):
    return isinstance(layer, nn.BatchNorm2d)


def is_conv_or_fc(layer):
    return isinstance(layer, (nn.Conv2d, nn.Linear))


print("Parameters of resnet18")
print("----------------------")
print("batch norm affine:        ", sum(p.numel() for m in net.modules() if is_norm(m) for p in m.parameters()))
print("biases of conv and fc:    ", sum(m.bias.numel() for m in net.modules()
                                        if is_conv_or_fc(m) and m.bias is not None))
print("everything else (weights):", sum(m.weight.numel() for m in net.modules() if is_conv_or_fc(m)))
