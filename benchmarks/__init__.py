"""Measures what grading costs; `make bench` prints the table in docs/benchmarks.md.

Each row of the table is measured by a module of its own.
"""
