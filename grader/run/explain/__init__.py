"""Explains marks from what runs have stored, in plain data: `explain` one student, `compare` runs.

Nothing here asks a worker. How an explanation looks in a terminal belongs in `cli/`.
"""
