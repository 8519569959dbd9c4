"""Answer after answer, each with as much in it as one may have."""
# on top of: honest pipe
# must: L or Z
import struct

right = layer_parameter_counts


def layer_parameter_counts(model):
    frame = b'{"type": "loaded", "blobs": [67108864]}'
    frame = struct.pack(">IQ", len(frame), 2**26) + frame + bytes(2**26)
    while True:
        say(frame)
