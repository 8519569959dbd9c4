"""The checks on groups of parameters, in a student's lists and in an optimizer.

Finding the lists and counts in a student's code is the worker's part; the modules here assign them
to groups, compare them with the right groups, and explain mistakes.
"""
