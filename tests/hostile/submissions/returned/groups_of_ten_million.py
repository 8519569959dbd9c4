"""Lists of ten million parameters."""
# must: Z
# criteria: parameter-groups

def group_parameters(model):
    return tuple([next(model.parameters())] * 10_000_000 for _ in range(3))
