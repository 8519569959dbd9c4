"""The grader's own networks, built from specs: residual networks and their variants.

Probes ask the student's code about these networks and compare by parameter names. Networks of the
student's are found by `observer` and `values`.
"""

from grader.worker.networks.resnet import build, describe

__all__ = ["build", "describe"]
