"""The bundle that students get of a homework: starter, public rubric, recorded answers, a wheel.

Modules here decide what is public and write it. Nothing here grades; students run the grader that
the bundle brings.
"""
