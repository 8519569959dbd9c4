"""Sleeps for ever while it is imported."""
# on top of: honest
# must: L time_limit
# runs in: docker process
import time

time.sleep(10**6)
