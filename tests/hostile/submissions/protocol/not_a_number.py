"""NaN, which Python's JSON reads and no comparison survives."""
# on top of: honest pipe
# must: Z
import struct

BODY = b'{"type": "answer", "outcome": "answered", "value": NaN, "blobs": []}'

right = layer_parameter_counts


def layer_parameter_counts(model):
    say(struct.pack(">IQ", len(BODY), 0) + BODY)
    return right(model)
