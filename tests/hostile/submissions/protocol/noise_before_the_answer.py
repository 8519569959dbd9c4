"""Random bytes before the right answer."""
# on top of: honest pipe
# must: Z
import os
import struct

right = layer_parameter_counts


def layer_parameter_counts(model):
    say(os.urandom(1000))
    return right(model)
