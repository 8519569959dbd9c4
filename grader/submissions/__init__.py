"""Reads submissions: finds their owners, unpacks archives, converts notebooks, imports downloads.

Everything that students, Gradescope and Canvas produce is treated as hostile here, and nothing of a
submission is executed. Running it belongs in `grader.sandbox`, judging it in `grader.checks`.
"""
