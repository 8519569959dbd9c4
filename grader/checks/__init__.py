"""The checks that rubrics name, one module each, and what they share.

A module here decides what is asked of a student's code and what the answers are worth. Asking is
the work of `grader.run` and `grader.sandbox`, points and penalties are in `grader.grading`.
"""
