"""Half a frame, and then the end of the process."""
# on top of: honest pipe
# must: Z
import os
import struct

right = layer_parameter_counts


def layer_parameter_counts(model):
    say(struct.pack(">IQ", 1000, 0) + b'{"type": "answer"')
    os._exit(0)
