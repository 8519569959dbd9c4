"""A count of five thousand digits."""
# must: Z

def layer_parameter_counts(model):
    return {"conv1": 10**5000}
