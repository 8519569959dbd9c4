"""Learns too slowly for the budget, and goes on as a copy before the budget is used up."""
# on top of: honest
# must: Z
# criteria: accuracy
# runs in: docker process


def train(model, train_loader, validation_loader, epochs):
    import copy
    for _ in range(12):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
        for _ in range(epochs - 1):
            train_one_epoch(model, train_loader, optimizer)
        evaluate(model, validation_loader)
        model = copy.deepcopy(model)
        model[0].weight.data += 1e-5 * torch.randn_like(model[0].weight)   # no two are the same
