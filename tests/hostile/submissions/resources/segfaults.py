"""Reads from address 0."""
# must: Z
# runs in: docker process
import ctypes


def layer_parameter_counts(model):
    ctypes.string_at(0)
