import numpy as np
import torch.nn as nn
import torchvision.models as models


def problem_1c():
    resnet = models.resnet18(pretrained=False)
    counts = []
    for name, layer in resnet.named_modules():
        if len(list(layer.children())) == 0:
            counts.append((name, sum(np.prod(w.shape) for w in layer.parameters())))
    for name, c in counts:
        print(name, int(c))
    print('in total', int(sum(c for _, c in counts)))


def problem_1e():
    resnet = models.resnet18(pretrained=False)
    bn_affine, bias, others = [], [], []
    for layer in resnet.modules():
        for name, w in layer._parameters.items():
            if w is None:
                continue
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                bn_affine.append(w)
            elif name == 'bias':
                bias.append(w)
            else:
                others.append(w)
    print('batch norm:', sum(w.numel() for w in bn_affine))
    print('biases:', sum(w.numel() for w in bias))
    print('others:', sum(w.numel() for w in others))
