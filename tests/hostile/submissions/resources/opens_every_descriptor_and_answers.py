"""Holds every descriptor there is, and answers honestly: the next session needs its own."""
# on top of: honest
# must: N
import os

try:
    while True:
        os.open(os.devnull, os.O_RDONLY)
except OSError:
    pass
