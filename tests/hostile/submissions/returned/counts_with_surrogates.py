"""A layer's name with half of a character in it."""
# must: Z

def layer_parameter_counts(model):
    return {"conv1\ud800": 9408}
