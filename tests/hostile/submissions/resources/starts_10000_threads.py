"""Starts 10,000 threads that sleep."""
# must: L process_limit
import threading
import time


def layer_parameter_counts(model):
    for _ in range(10_000):
        threading.Thread(target=time.sleep, args=(10**6,)).start()
