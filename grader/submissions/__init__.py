"""From files on disk to submissions: whose they are, unpacking, notebooks, rosters, imports.

Modules here read what students, Gradescope and Canvas produce, and treat it as hostile. Nothing of
a submission is executed here; running belongs in `grader.sandbox`, judging in `grader.checks`.
"""
