"""Turns grades into something to read: `grades.json` and `grades.csv`, a page per student, a report
on the class, JUnit XML. Modules here compute no points and run no student's code. Formats of other
systems belong in `grader.export`; `grader.run` decides when something is written.
"""
