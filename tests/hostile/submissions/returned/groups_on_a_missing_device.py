"""Copies of the parameters on a device that this machine does not have."""
# must: Z
# criteria: parameter-groups


def group_parameters(model):
    return tuple([p.to("cuda:7") for p in model.parameters()] for _ in range(3))
