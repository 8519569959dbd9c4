"""A frame whose header is four gigabytes long, by its own account."""
# on top of: honest pipe
# must: Z
import struct

right = layer_parameter_counts


def layer_parameter_counts(model):
    say(struct.pack(">IQ", 2**32 - 1, 0))
    return right(model)
