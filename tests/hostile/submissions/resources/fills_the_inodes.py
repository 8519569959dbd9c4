"""Makes empty files in /tmp until there can be no more."""
# must: L disk_limit
import os


def layer_parameter_counts(model):
    for number in range(10**6):
        os.close(os.open(f"/tmp/{number}", os.O_CREAT))
