"""Copies of the parameters that hold no numbers."""
# must: Z
# criteria: parameter-groups

def group_parameters(model):
    return tuple([p.to("meta") for p in model.parameters()] for _ in range(3))
