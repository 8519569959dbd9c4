"""Frames of the right form, faster than anybody can use them."""
# on top of: honest pipe
# must: L or Z
import struct

right = layer_parameter_counts


def layer_parameter_counts(model):
    BODY = b'{"type": "loaded", "blobs": []}'
    many = (struct.pack(">IQ", len(BODY), 0) + BODY) * 1000
    while True:
        say(many)
