"""Detaches children until no more may start, and answers honestly: the next session must start."""
# on top of: honest
# must: N
import os
import time


def _detach():
    if os.fork():
        os.wait()
        return
    os.setsid()
    try:
        while os.fork():
            pass
    except OSError:
        os._exit(0)
    time.sleep(10**6)


_detach()
