"""A frame of zeros: no header, no arrays."""
# on top of: honest pipe
# must: Z
import struct

right = layer_parameter_counts


def layer_parameter_counts(model):
    say(bytes(12))
    return right(model)
