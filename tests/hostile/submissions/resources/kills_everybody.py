"""Kills every process that it may kill, all at once, and answers honestly."""
# on top of: honest
# must: N
import os
import signal

try:
    os.kill(-1, signal.SIGKILL)
except ProcessLookupError:
    pass   # there was nobody but process 1, which does not fall
