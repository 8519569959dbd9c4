"""The class report: one page with the results of all students, for instructors. Grades become rows,
rows become a summary, and the summary becomes HTML. Pages for single students are made in
`grader.reports.student`.
"""
