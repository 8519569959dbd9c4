"""A confirmation before there is anything to confirm."""
# on top of: honest pipe
# must: Z
import struct

BODY = b'{"type": "confirmed", "token": "0", "blobs": []}'

right = layer_parameter_counts


def layer_parameter_counts(model):
    say(struct.pack(">IQ", len(BODY), 0) + BODY)
    return right(model)
