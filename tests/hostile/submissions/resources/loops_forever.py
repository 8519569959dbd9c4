"""Never ends."""
# must: L time_limit
# runs in: docker process


def layer_parameter_counts(model):
    while True:
        pass
