"""Reads the values that a student's code leaves behind: lists of parameters, counts per layer and
printed numbers.

Modules here report what a value holds and where it was found. Choosing which value is the answer,
and judging it, is the host's work; running the code that makes the values belongs in `probes`.
"""
