"""Opens files until there are no more descriptors."""
# must: L files_limit
import os


def layer_parameter_counts(model):
    return {str(os.open(os.devnull, os.O_RDONLY)): 1 for _ in range(10**6)}
