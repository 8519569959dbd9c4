"""Raises the exceptions by which the worker says that something is not the student's fault."""
# must: Z
# runs in: docker process
from grader.worker.observer.observer import BudgetReached


def layer_parameter_counts(model):
    raise BudgetReached("seconds")
