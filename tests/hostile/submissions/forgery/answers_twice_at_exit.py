"""Has a right answer, and writes another one when its process ends."""
# on top of: honest
# must: N or Z
import atexit
import os


@atexit.register
def again():
    for descriptor in range(3, 20):
        try:
            os.write(descriptor, b"\0" * 12 + b"{}")
        except OSError:
            pass
