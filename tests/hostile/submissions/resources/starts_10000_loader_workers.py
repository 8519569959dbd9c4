"""Asks for 10,000 workers of a DataLoader."""
# must: L process_limit or L memory_limit or L time_limit
from torch.utils.data import DataLoader


def layer_parameter_counts(model):
    return {str(batch): 1 for batch in DataLoader(range(10**6), num_workers=10_000)}
