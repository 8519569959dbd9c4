import torch
from torchvision.models import resnet18

m = resnet18(weights=None, num_classes=1000)
modules = dict(m.named_modules())

G1 = []   # batchnorm weight + bias
G2 = []   # conv / fc bias
G3 = []   # everything else

for (name, p) in m.named_parameters():
    parent = modules[name[:name.rfind('.')]]
    if type(parent) is torch.nn.BatchNorm2d:
        G1.append((name, p))
    elif name.endswith('.bias'):
        G2.append((name, p))
    else:
        G3.append((name, p))

for label, G in [('G1', G1), ('G2', G2), ('G3', G3)]:
    print(label, sum(p.numel() for _, p in G))
    for name, p in G:
        print('   ', name, tuple(p.shape))
