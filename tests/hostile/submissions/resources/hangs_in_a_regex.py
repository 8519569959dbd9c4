"""Hangs in C code that holds the interpreter: no signal handler and no other thread gets a turn."""
# on top of: honest
# must: L time_limit
# runs in: docker process
import re
import signal

signal.signal(signal.SIGALRM, lambda number, frame: None)
signal.alarm(1)
re.match(r"(a|aa|a?a)+$", "a" * 5000 + "b")
