"""A mapping whose items cannot be asked for."""
# must: Z

class Raises(dict):
    @property
    def items(self):
        raise RuntimeError("not for you")


def layer_parameter_counts(model):
    return Raises(conv1=9408)
