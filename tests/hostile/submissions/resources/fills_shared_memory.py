"""Fills /dev/shm."""
# must: L disk_limit


def layer_parameter_counts(model):
    with open("/dev/shm/full", "wb") as file:
        while True:
            file.write(b"x" * 2**20)
