"""Aborts, as a failed assertion in C does."""
# must: Z
# runs in: docker process
import os


def layer_parameter_counts(model):
    os.abort()
