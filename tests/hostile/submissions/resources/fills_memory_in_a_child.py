"""Lets a child take all the memory, and ends with exit code 0 as if nothing had been."""
# must: L memory_limit
import os


def layer_parameter_counts(model):
    if os.fork() == 0:
        held = []
        while True:
            held.append(b"x" * 2**24)
    os.wait()
    os._exit(0)
