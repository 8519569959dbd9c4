"""Handles things that a student's machine or the real data have and this machine lacks.

`reasons.py` tells an error that only this machine causes; a person looks at it. `home.py` is the
second run of a script, as if what it missed were here.
"""
