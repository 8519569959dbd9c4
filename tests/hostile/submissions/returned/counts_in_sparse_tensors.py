"""Counts are sparse tensors of all parameters, which have more than one element."""
# must: Z

import torch

def layer_parameter_counts(model):
    return {name: torch.ones(own % 9 + 2, dtype=torch.int64).to_sparse() for name, layer in model.named_modules()
            for own in [sum(p.numel() for p in layer.parameters(recurse=False))] if own}
