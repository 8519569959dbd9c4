"""Reads and runs the student's files: what they define, which script to run, and how to run it.

Nothing here asks a question about a network or observes a training; `probes` and `observer` do.
"""
