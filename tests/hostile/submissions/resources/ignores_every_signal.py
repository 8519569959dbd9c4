"""Ignores every signal that can be ignored, blocks the rest, and stays."""
# on top of: honest
# must: L time_limit
# runs in: docker process
import contextlib
import signal
import time

for number in range(1, 65):
    with contextlib.suppress(OSError, ValueError):
        signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
while True:
    time.sleep(1)
