"""Manual grading: the server and the page of `grader mark`, its CSV file, and the store of marks.
The effect of marks on points belongs in `grader.grading`, and `grader.run` writes the new grades.
"""
