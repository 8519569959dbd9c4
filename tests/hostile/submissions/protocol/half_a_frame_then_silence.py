"""Half a frame, and then nothing for ever."""
# on top of: honest pipe
# must: L time_limit or Z
import struct
import time

right = layer_parameter_counts


def layer_parameter_counts(model):
    say(struct.pack(">IQ", 1000, 0) + b'{"type": "answer"')
    time.sleep(10_000)
