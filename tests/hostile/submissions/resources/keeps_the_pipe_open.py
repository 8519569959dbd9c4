"""Ends at once and leaves a child that keeps every pipe open."""
# must: Z
import os
import time


def layer_parameter_counts(model):
    if os.fork():
        os._exit(0)
    os.setsid()
    time.sleep(10**6)
