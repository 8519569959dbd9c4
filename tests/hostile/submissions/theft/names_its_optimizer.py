"""Calls its optimizer's class, its decay and a layer after what it sees of a hidden network, and
fails to train, so that this optimizer is all there is to tell of."""
# on top of: honest
# must: N
# leak: LEAKED
# criteria: optimizer-groups
# runs in: docker process
honest_optimizer = make_optimizer


def make_optimizer(model):
    norms, biases, rest = group_parameters(model)
    model.add_module(f"LEAKED {model.fc.out_features}", nn.Linear(2, 2))
    kind = type(f"LEAKED {model.fc.out_features}", (torch.optim.SGD,), {})
    return kind([{"params": norms + biases}, {"params": rest, "weight_decay": 0.12345}], lr=0.1)


def train(model, train_loader, validation_loader, epochs):
    raise RuntimeError("no training")
