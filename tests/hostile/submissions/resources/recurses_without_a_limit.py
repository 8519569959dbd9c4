"""Recurses in Python, where the stack is memory, with the limit lifted."""
# on top of: honest
# must: L memory_limit or L time_limit
import sys


def _fall():
    return _fall()


sys.setrecursionlimit(2**31 - 1)
_fall()
