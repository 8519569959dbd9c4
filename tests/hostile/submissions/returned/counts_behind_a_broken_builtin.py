"""A mapping that fails in the grader's own code, without a line of the student's in the traceback.

Nobody can tell it from a fault of the grader's: it earns nothing, and a person looks at it.
"""
# must: not_scored

import operator

class Broken(dict):
    items = property(operator.itemgetter("no such key"))


def layer_parameter_counts(model):
    return Broken(conv1=9408)
