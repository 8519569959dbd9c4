"""Stops itself, so that it neither ends nor goes on."""
# on top of: honest
# must: L time_limit
import os
import signal

os.kill(os.getpid(), signal.SIGSTOP)
