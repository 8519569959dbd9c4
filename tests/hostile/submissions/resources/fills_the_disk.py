"""Fills /tmp with one file after another."""
# must: L disk_limit


def layer_parameter_counts(model):
    for number in range(10**6):
        with open(f"/tmp/{number}", "wb") as file:
            file.write(b"x" * 2**20)
