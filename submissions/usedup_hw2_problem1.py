import torch.nn as nn


def layer_parameter_counts(model):
    return {
        name: sum(p.numel() for p in module.parameters())
        for name, module in model.named_modules()
        if not list(module.children()) and list(module.parameters())
    }


def group_parameters(model):
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    others = [m for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    bn = (p for m in norms for p in (m.weight, m.bias))
    print("batch norm:", sum(p.numel() for p in bn))
    biases = [m.bias for m in others if m.bias is not None]
    print("biases:", sum(p.numel() for p in biases))
    rest = [m.weight for m in others]
    print("rest:", sum(p.numel() for p in rest))
    return bn, biases, rest


if __name__ == "__main__":
    from torchvision.models import resnet18

    net = resnet18(weights=None)
    print(layer_parameter_counts(net))
    group_parameters(net)
