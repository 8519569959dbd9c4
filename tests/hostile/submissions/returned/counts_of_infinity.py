"""Counts are infinite."""
# must: Z

def layer_parameter_counts(model):
    return {name: float("inf") for name, layer in model.named_modules()
            for own in [sum(p.numel() for p in layer.parameters(recurse=False))] if own}
