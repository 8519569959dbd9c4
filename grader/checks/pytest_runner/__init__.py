"""The process in which an instructor's tests run: pytest, and the `student` that they are given.

Nothing of a student's runs here: what a test asks goes to the grader, which puts it to a worker.
"""

# tests -> grader
ASK = "ask"         # test: its number, seconds, args of a probe; the blobs are its arrays
DONE = "done"       # tests: what became of each
BROKEN = "broken"   # message: the file cannot be used
