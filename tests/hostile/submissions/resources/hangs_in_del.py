"""Hangs while an object is taken apart."""
# on top of: honest
# must: L time_limit
# runs in: docker process
import time


class Clingy:
    def __del__(self):
        time.sleep(10**6)


Clingy()
