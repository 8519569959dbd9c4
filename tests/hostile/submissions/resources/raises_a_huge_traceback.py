"""Raises from 20,000 calls deep, from an exception that has a hundred causes of its own."""
# must: Z
import sys


def _fall(depth):
    if depth:
        _fall(depth - 1)
    raise ExceptionGroup("many", [ValueError("x" * 10**5)] * 100)


def layer_parameter_counts(model):
    sys.setrecursionlimit(10**6)
    cause = None
    for _ in range(100):
        try:
            raise ValueError("again") from cause
        except ValueError as error:
            cause = error
    try:
        _fall(20_000)
    except ExceptionGroup as error:
        raise error from cause
