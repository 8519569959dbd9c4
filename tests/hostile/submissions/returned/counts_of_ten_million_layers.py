"""A dictionary of ten million layers, to fill whoever reads it."""
# must: Z

def layer_parameter_counts(model):
    return {str(number): number for number in range(10_000_000)}
