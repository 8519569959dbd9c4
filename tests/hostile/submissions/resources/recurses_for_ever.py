"""Recurses for ever, and only notices the error to go on."""
# must: Z
# runs in: docker process


def layer_parameter_counts(model):
    return layer_parameter_counts(model)
