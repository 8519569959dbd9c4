"""An optimizer that was never initialised."""
# must: Z
# criteria: optimizer-groups
# on top of: honest

class Hollow(torch.optim.SGD):
    def __init__(self):
        pass


def make_optimizer(model):
    return Hollow()


def train(model, train_loader, validation_loader, epochs):
    """No step by which an optimizer would be seen."""
