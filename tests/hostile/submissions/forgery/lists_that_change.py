"""Returns lists that hold something else each time they are walked over."""
# must: Z
# criteria: parameter-groups
# runs in: docker process


class Every(list):
    """All parameters of the network, in some other order each time."""

    def __init__(self, model):
        super().__init__(model.parameters())
        self.turn = 0

    def __iter__(self):
        self.turn += 1
        everything = list(super().__iter__())
        return iter(everything[self.turn % 3 :: 3])


def group_parameters(model):
    return Every(model), Every(model), Every(model)
