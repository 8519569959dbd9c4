"""Looks at batch after batch for ever and never takes a step."""
# on top of: honest
# criteria: accuracy
# must: Z


def train(model, train_loader, validation_loader, epochs):
    while True:
        for images, labels in train_loader:
            F.cross_entropy(model(images), labels).backward()
