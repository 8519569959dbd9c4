"""Keeps what need not be done twice: workers' answers and drawn pages.

Everything here may be deleted at any time; what must not be lost belongs in `grading/`'s gradebook.
"""
