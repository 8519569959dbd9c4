"""A dictionary that holds itself."""
# must: Z

def layer_parameter_counts(model):
    counts = {}
    counts["conv1"] = counts
    return counts
