"""A message that only the host sends."""
# on top of: honest pipe
# must: Z
import struct

BODY = b'{"type": "ask", "id": "layer-counts/resnet18", "blobs": []}'

right = layer_parameter_counts


def layer_parameter_counts(model):
    say(struct.pack(">IQ", len(BODY), 0) + BODY)
    return right(model)
