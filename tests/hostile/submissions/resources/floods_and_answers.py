"""Prints 200 MB on stdout, on stderr and as a progress bar, and answers honestly."""
# on top of: honest
# must: N
# runs in: docker process
import os
import sys

for _ in range(1000):
    os.write(1, b"stdout\n" * 10_000)
    os.write(2, b"stderr\n" * 10_000)
    sys.stdout.write("\r100% |" + "#" * 60_000 + "|")
