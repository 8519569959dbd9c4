"""Arrays of which one is shorter than nothing."""
# on top of: honest pipe
# must: Z
import struct

BODY = b'{"type": "answer", "outcome": "answered", "blobs": [5, -5]}'

right = layer_parameter_counts


def layer_parameter_counts(model):
    say(struct.pack(">IQ", len(BODY), 0) + BODY)
    return right(model)
