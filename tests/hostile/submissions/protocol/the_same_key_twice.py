"""Two outcomes in one answer, of which a careless reader takes the last."""
# on top of: honest pipe
# must: Z
import struct

BODY = b'{"type": "answer", "outcome": "exception", "outcome": "answered", "blobs": []}'

right = layer_parameter_counts


def layer_parameter_counts(model):
    say(struct.pack(">IQ", len(BODY), 0) + BODY)
    return right(model)
