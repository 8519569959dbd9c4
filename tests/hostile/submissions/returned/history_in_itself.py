"""A list of epochs that holds itself, returned by train."""
# must: N
# criteria: accuracy
# on top of: honest

honest_train = train


def train(model, train_loader, validation_loader, epochs):
    history = honest_train(model, train_loader, validation_loader, epochs)
    history.append(history)
    return history
