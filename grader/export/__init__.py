"""Files for other systems: grade tables, results for CI and Gradescope, what is handed to students.

A module here turns saved grades or a rubric into one format. Reading what other systems export
belongs in `grader.submissions`; the feedback pages and `grades.json` belong in `grader.reports`.
"""
