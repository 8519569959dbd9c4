"""Ends with the exit code that a kill for memory has."""
# must: Z
# runs in: docker process
import os


def layer_parameter_counts(model):
    os._exit(137)
