"""The grader inside Gradescope's own container: the zip that is uploaded, and the program in it.

Results for a Gradescope assignment that is graded elsewhere are `grader.export.gradescope`'s.
"""
