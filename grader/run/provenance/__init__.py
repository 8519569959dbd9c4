"""Describes where a run's verdicts come from.

Here are digests of everything that a verdict depends on, the conditions of a run, its machine, the
traces of the evidence and the event log: plain data for the gradebook, the cache and `grader
explain`. Modules here judge nothing and read no submission.
"""
