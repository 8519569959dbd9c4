"""Trains honestly, and tells of the hidden images in what it prints and raises when it is to
predict them."""
# on top of: honest
# must: Z
# leak: LEAKED
# criteria: accuracy
# runs in: docker process
import sys

honest_train = train


class Teller(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner, self.trained = inner, False

    def forward(self, images):
        if self.trained and len(images) > 100:
            print("LEAKED", images[0].flatten().tolist())
            print("LEAKED", images[0].flatten().tolist(), file=sys.stderr)
            raise type("LEAKED", (RuntimeError,), {})(f"LEAKED {images[0]}")
        return self.inner(images)


honest_model = build_model


def build_model(num_classes=10):
    return Teller(honest_model(num_classes))


def train(model, train_loader, validation_loader, epochs):
    history = honest_train(model, train_loader, validation_loader, epochs)
    model.trained = True
    return history
