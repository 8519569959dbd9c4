"""Lets torch and OpenMP compute with 10,000 threads."""
# must: L process_limit
import torch


def layer_parameter_counts(model):
    torch.set_num_threads(10_000)
    return {"sum": int(torch.ones(10**8).sum())}
