"""Writes a forged answer to every pipe that is open, from a thread, and then answers honestly."""
# on top of: honest
# must: Z
# runs in: docker process
import json
import os
import struct
import threading

_honest = layer_parameter_counts


def _forge():
    pairs = [["conv1", 1]]
    table = {"name": "counts", "frame": "returned", "cell": 0, "line": 0, "pairs": pairs}
    answer = {"type": "answer", "outcome": "answered", "blobs": [],
              "value": {"form": "function", "tables": [table], "replaced": True, "notes": []}}
    body = json.dumps(answer).encode()
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, struct.pack(">IQ", len(body), 0) + body)
        except OSError:
            pass


def layer_parameter_counts(model):
    forger = threading.Thread(target=_forge)
    forger.start()
    forger.join()
    return _honest(model)
