"""Counts are text that reads like the right number."""
# must: Z

def layer_parameter_counts(model):
    return {name: str(own) for name, layer in model.named_modules()
            for own in [sum(p.numel() for p in layer.parameters(recurse=False))] if own}
