"""Has a right answer, and a forked child that lives on and answers again."""
# on top of: honest
# must: Z
import json
import os
import struct
import time

right = layer_parameter_counts


def layer_parameter_counts(model):
    if os.fork() == 0:
        os.setsid()
        body = json.dumps({"type": "answer", "outcome": "answered", "value": {}, "blobs": []})
        while True:
            for descriptor in range(3, 20):
                try:
                    os.write(descriptor, struct.pack(">IQ", len(body), 0) + body.encode())
                except OSError:
                    pass
            time.sleep(0.01)
    time.sleep(0.2)
    return right(model)
