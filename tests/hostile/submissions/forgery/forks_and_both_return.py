"""Forks, and parent and child both come back with the answer."""
# on top of: honest
# must: N or Z
import os

right = layer_parameter_counts


def layer_parameter_counts(model):
    os.fork()
    return right(model)
