"""Epochs whose accuracies are tensors of many elements, complex and NaN."""
# must: N
# criteria: accuracy
# on top of: honest

honest_train = train


def train(model, train_loader, validation_loader, epochs):
    history = honest_train(model, train_loader, validation_loader, epochs)
    return [*history, {"accuracy": torch.ones(3), "val_acc": torch.tensor(1j), "acc": float("nan")}]
