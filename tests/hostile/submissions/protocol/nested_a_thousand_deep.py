"""A header nested a thousand deep."""
# on top of: honest pipe
# must: Z
import struct

BODY = b'{"blobs": [], "x": ' + b"[" * 1000 + b"]" * 1000 + b"}"

right = layer_parameter_counts


def layer_parameter_counts(model):
    say(struct.pack(">IQ", len(BODY), 0) + BODY)
    return right(model)
