"""Takes all the memory there is."""
# must: L memory_limit
# runs in: docker process


def layer_parameter_counts(model):
    held = []
    while True:
        held.append(b"x" * 2**24)
