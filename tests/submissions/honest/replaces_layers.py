import torch.nn as nn
from torchvision import models


def replace_relu(module):
    for name, child in module.named_children():
        if isinstance(child, nn.ReLU):
            setattr(module, name, nn.LeakyReLU(0.1))
        else:
            replace_relu(child)


def freeze(model, names=("conv1", "bn1", "layer1")):
    for name in ["conv1", "bn1", "layer1"]:
        for p in getattr(model, name).parameters():
            p.requires_grad = False


def adapt_for_cifar(model):
    model.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
    model.maxpool = nn.Identity()
    num_ftrs = model.fc.in_features
    model.fc = nn.Linear(num_ftrs, 10)
    return model


model = adapt_for_cifar(models.resnet18(weights=None))
replace_relu(model)
freeze(model)
for attr in ("layer1", "layer2", "layer3", "layer4"):
    print(attr, hasattr(model, attr), len(list(getattr(model, attr).parameters())))
model._modules["fc"] = nn.Linear(512, 10)
