from torch import nn


def count_by_layer(network):
    found = {}
    for full_name, p in network.named_parameters():
        layer = full_name[: full_name.rindex(".")]
        found[layer] = found.get(layer, 0) + p.numel()
    return found


def separate(network):
    """(name, parameter) pairs by kind."""
    kinds = {"bn": [], "bias": [], "rest": []}
    owners = dict(network.named_modules())
    for full_name, p in network.named_parameters():
        owner, _, last = full_name.rpartition(".")
        if isinstance(owners[owner], nn.BatchNorm2d):
            kinds["bn"].append((full_name, p))
        elif last == "bias":
            kinds["bias"].append((full_name, p))
        else:
            kinds["rest"].append((full_name, p))
    return kinds
