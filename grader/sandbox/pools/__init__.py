"""Pools: machines beside this one, on which an existing engine starts workers for a run.

Here are the interface (`pool`), Ray's nodes, Slurm's jobs, how a worker is locked in where there is
no Docker Engine (`launchers`), and how files travel (`shipping`). A pool starts workers and reports
how they ended, as every sandbox does. Questions, labels, thresholds, names of students and the
gradebook stay on the machine that `grader run` was started on.
"""
