"""Prints without an end."""
# on top of: honest
# must: L time_limit
# runs in: docker process
import os

while True:
    os.write(1, b"x" * 2**20)
