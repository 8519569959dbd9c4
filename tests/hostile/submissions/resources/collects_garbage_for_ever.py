"""Keeps the garbage collector busy for ever, from within the garbage collector."""
# on top of: honest
# must: L time_limit
import gc


def _again(phase, info):
    while True:
        gc.get_objects()


gc.callbacks.append(_again)
gc.collect()
