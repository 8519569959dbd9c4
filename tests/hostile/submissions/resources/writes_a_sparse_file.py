"""Makes a file that says it has a tebibyte."""
# must: L disk_limit


def layer_parameter_counts(model):
    with open("/tmp/sparse", "wb") as file:
        file.truncate(2**40)
