"""Puts what it sees of the hidden networks into names of layers and of lists."""
# must: Z
# leak: LEAKED
# criteria: layer-counts parameter-groups
# runs in: docker process


def told(model):
    return f"LEAKED {model.fc.out_features}" if model.fc.out_features != 1000 else "known"


def layer_parameter_counts(model):
    return {f"{told(model)} {name}": 1 for name, _ in model.named_modules()}


def group_parameters(model):
    return {told(model): list(model.parameters()), "b": [], "c": []}
