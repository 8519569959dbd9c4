"""Raises an exception with a message of 30 MB in one line, and of a million lines."""
# must: Z


def layer_parameter_counts(model):
    raise ValueError("x" * 3 * 10**7 + "\n" * 10**6)
