"""The rubric: its models, reading and writing `rubric.yaml`, and the files that it names.

Nothing here knows a check, a submission or a grade.
"""
