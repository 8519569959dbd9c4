"""A frame whose arrays are sixteen exabytes long, by its own account."""
# on top of: honest pipe
# must: Z
import struct

right = layer_parameter_counts


def layer_parameter_counts(model):
    say(struct.pack(">IQ", 2, 2**64 - 1) + b"{}")
    return right(model)
