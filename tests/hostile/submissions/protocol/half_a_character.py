"""Text with a lone surrogate, which no encoder takes."""
# on top of: honest pipe
# must: Z
import struct

BODY = b'{"type": "answer", "outcome": "answered", "message": "\\ud800", "blobs": []}'

right = layer_parameter_counts


def layer_parameter_counts(model):
    say(struct.pack(">IQ", len(BODY), 0) + BODY)
    return right(model)
