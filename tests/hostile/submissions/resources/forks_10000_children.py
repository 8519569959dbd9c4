"""Forks 10,000 children that sleep."""
# must: L process_limit or L memory_limit
import os
import time


def layer_parameter_counts(model):
    for _ in range(10_000):
        if os.fork() == 0:
            time.sleep(10**6)
