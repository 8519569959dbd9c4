"""Weight decay is NaN, which is neither above zero nor zero."""
# must: Z
# criteria: optimizer-groups
# on top of: honest

def make_optimizer(model):
    norms, biases, rest = group_parameters(model)
    return torch.optim.SGD([{"params": norms, "weight_decay": 0.0},
                            {"params": biases, "weight_decay": 0.0},
                            {"params": rest, "weight_decay": float("nan")}], lr=0.05)
