"""`grader calibrate`: measures how often a right solution misses an accuracy threshold by chance.

`runs` trains right solutions with many seeds, `statistics` fits a distribution, `propose` derives
thresholds, and `hardware` says whether earlier figures still apply. The model of the record in the
rubric belongs in `grader.rubric`.
"""
