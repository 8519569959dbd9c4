"""`grader validate`: grades work whose marks are known, to test the grader and a rubric's criteria.

Mutants are wrong solutions that must lose points in the criteria that they name; variants are right
solutions that must lose nothing. Here are the corpus of both, the rewriting of the reference that
makes mutants, expected marks of samples, and the report. `calibration/` measures how often chance
fails a right solution. How a class is graded belongs in `grader.run`.
"""
