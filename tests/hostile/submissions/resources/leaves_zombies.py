"""Answers honestly, with 200 dead children that nobody buries."""
# on top of: honest
# must: N
import os

for _ in range(200):
    if os.fork() == 0:
        os._exit(0)
