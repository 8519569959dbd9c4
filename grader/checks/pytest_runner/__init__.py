"""The separate process that runs an instructor's pytest file, with its `student` fixture.

No student's code runs in this process: each call of a test is a message to the grader, which asks
the worker in the container. The messages between this process and the grader are named here; what
the grader does with them is `grader/run/pytest_session.py`.
"""

# From the tests to the grader:
ASK = "ask"         # test: its number, seconds, args of a probe; the blobs are its arrays
DONE = "done"       # tests: the result of each; read: digests of the files that they read
BROKEN = "broken"   # message: the file cannot be used

# The probes, by name, that make an object of the student's or look at it, and call nothing else.
ASIDE = frozenset({"_new", "_attribute", "_set_attribute"})
