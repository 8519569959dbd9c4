"""Recurses in C until the stack overflows."""
# must: Z
# runs in: docker process
import sys


def layer_parameter_counts(model):
    nested = []
    for _ in range(200_000):
        nested = [nested]
    sys.setrecursionlimit(2**31 - 1)
    return repr(nested)
