"""Begins with weights from elsewhere, and trains them a little."""
# on top of: honest from_home
# must: needs_marking
# criteria: accuracy
# runs in: docker process


def build_model(num_classes=10):
    return linear(num_classes, from_home(num_classes))


def make_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=1e-3)
