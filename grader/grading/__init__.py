"""Turns verdicts into grades, and stores both: points, late penalty, attempts, the gradebook.

Checks reach verdicts and `grader.marking` has the page for manual grading; neither belongs here.
"""
