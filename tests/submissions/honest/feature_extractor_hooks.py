import torch
import torch.nn as nn
from functools import partial
from torchvision.models import resnet18
from torchvision.models.feature_extraction import create_feature_extractor

activation = {}


def get_activation(name):
    def hook(model, input, output):
        activation[name] = output.detach()
    return hook


model = resnet18()
model.layer1.register_forward_hook(get_activation("layer1"))
model.layer2[0].conv1.register_forward_hook(get_activation("l2conv1"))
handles = []
stats = {}


def keep(module, inputs, output, *, key):
    stats[key] = (output.mean().item(), output.std().item())


for name, m in model.named_modules():
    if isinstance(m, nn.Conv2d):
        handles.append(m.register_forward_hook(partial(keep, key=name)))
        m.register_forward_pre_hook(lambda mod, inp: None)
for p in model.parameters():
    p.register_hook(lambda g: g.clamp(-1, 1))
model(torch.randn(1, 3, 64, 64))
for h in handles:
    h.remove()
layers = [getattr(model, "layer" + str(i)) for i in range(1, 5)]
features = create_feature_extractor(model, return_nodes={"layer4": "feat"})
print(activation.keys(), len(stats), len(layers))
