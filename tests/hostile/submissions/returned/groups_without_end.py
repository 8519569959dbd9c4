"""Three generators of parameters that never end."""
# must: Z
# criteria: parameter-groups

import itertools

def group_parameters(model):
    return tuple(itertools.cycle(list(model.parameters())) for _ in range(3))
