"""Counts are complex numbers."""
# must: Z

def layer_parameter_counts(model):
    return {name: complex(own, 0) for name, layer in model.named_modules()
            for own in [sum(p.numel() for p in layer.parameters(recurse=False))] if own}
