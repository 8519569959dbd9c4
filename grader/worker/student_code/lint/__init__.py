"""What in the text of a student's files speaks for a mistake in training, with its places.

Nothing is run here. Each function takes the files as `sources.read` gives them, leaves out those
that do not parse, and returns places in the order of the files: precise before complete, since a
wrong caution annoys everybody. What was seen of the training itself decides what is told.
"""

from grader.worker.student_code.lint.batch_mean_accuracy import means_of_batches
from grader.worker.student_code.lint.findings import Spot
from grader.worker.student_code.lint.normalization import Normalisation, normalisations
from grader.worker.student_code.lint.test_set_selection import chooses_checkpoint

__all__ = [
    "Normalisation",
    "Spot",
    "chooses_checkpoint",
    "means_of_batches",
    "normalisations",
]
