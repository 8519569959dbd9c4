"""From verdicts to grades: points, late penalty, attempts and groups, and the gradebook that stores
them.

Checks reach verdicts and `grader.marking` has the page for manual grading; neither belongs here.
"""
