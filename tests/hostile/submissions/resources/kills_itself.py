"""Kills itself with the signal that the kernel uses when memory is gone."""
# must: Z
import os
import signal


def layer_parameter_counts(model):
    os.kill(os.getpid(), signal.SIGKILL)
