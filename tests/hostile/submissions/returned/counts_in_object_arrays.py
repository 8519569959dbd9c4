"""Counts are numpy arrays of objects."""
# must: Z

import numpy as np

def layer_parameter_counts(model):
    return {name: np.array([own, own], dtype=object) for name, layer in model.named_modules()
            for own in [sum(p.numel() for p in layer.parameters(recurse=False))] if own}
