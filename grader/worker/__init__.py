"""Everything that runs beside the student's code inside the sandbox: it questions the code and
observes it.

The modules import the standard library, numpy, torch, torchvision, `grader.wire`, `grader.packing`
and this package. Nothing else of the grader belongs here, and nothing secret does: no
labels of hidden images, no answers of the reference solution, no marks.
"""
