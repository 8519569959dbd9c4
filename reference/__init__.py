"""The reference solution of the shipped homework, with the interface of a student's submission.

`param_groups` solves Problem 1, `resnet` is the network, `train` trains and evaluates it, `loader`
makes batches, and `cli` is `python -m reference`. The worker mounts this folder in a container that
has only numpy, torch and torchvision, so importing these modules needs nothing else; `cli` imports
the rest inside its functions.
"""
