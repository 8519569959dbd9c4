"""Makes a tensor of 100 GB."""
# must: L memory_limit
import torch


def layer_parameter_counts(model):
    return {"sum": int(torch.ones(25 * 10**9).sum())}
