"""A mapping whose items never end."""
# must: Z

import itertools

class Endless(dict):
    def items(self):
        return ((f"layer{number}", number) for number in itertools.count())


def layer_parameter_counts(model):
    return Endless(conv1=9408)
