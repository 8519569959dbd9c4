"""What in the text of a student's files speaks for a mistake in training, with its places.

Nothing is run here. Each function takes the files as `sources.read` gives them, leaves out those
that do not parse, and returns places in the order of the files: precise before complete, since a
wrong caution annoys everybody. What was seen of the training itself decides what is told.
"""

from grader.worker.reading.batch_means import means_of_batches
from grader.worker.reading.checkpoints import chooses_checkpoint
from grader.worker.reading.normalising import Normalisation, normalisations
from grader.worker.reading.spots import Spot

__all__ = [
    "Normalisation",
    "Spot",
    "chooses_checkpoint",
    "means_of_batches",
    "normalisations",
]
