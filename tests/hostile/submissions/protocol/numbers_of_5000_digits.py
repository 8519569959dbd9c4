"""A number whose conversion takes longer the longer it is."""
# on top of: honest pipe
# must: Z
import struct

BODY = b'{"type": "answer", "blobs": [], "seconds": ' + b"9" * 5000 + b"}"

right = layer_parameter_counts


def layer_parameter_counts(model):
    say(struct.pack(">IQ", len(BODY), 0) + BODY)
    return right(model)
