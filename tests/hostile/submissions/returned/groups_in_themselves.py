"""Lists that hold themselves and each other."""
# must: Z
# criteria: parameter-groups

def group_parameters(model):
    first, second, third = [], [], []
    for one in (first, second, third):
        one += [first, second, third]
    return first, second, third
