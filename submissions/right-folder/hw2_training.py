import torch
import torch.nn.functional as F

from params import group_parameters


def make_optimizer(model, lr=0.1, weight_decay=1e-3):
    bn, biases, rest = group_parameters(model)
    return torch.optim.SGD(
        [
            {"params": rest, "weight_decay": weight_decay},
            {"params": bn + biases, "weight_decay": 0.0},
        ],
        lr=lr,
        momentum=0.9,
        nesterov=True,
    )


def train_one_epoch(model, loader, optimizer):
    model.train()
    total, n = 0.0, 0
    for x, y in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        n += len(y)
    return total / n


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    loss, correct, n = 0.0, 0, 0
    for x, y in loader:
        out = model(x)
        loss += F.cross_entropy(out, y, reduction="sum").item()
        correct += (out.argmax(1) == y).sum().item()
        n += len(y)
    return loss / n, correct / n


def train(model, train_loader, validation_loader, epochs):
    optimizer = make_optimizer(model)
    # the homework's 40/40/20 epochs, scaled to however many epochs there are
    schedule = torch.optim.lr_scheduler.MultiStepLR(
        optimizer, [int(0.4 * epochs), int(0.8 * epochs)], gamma=0.1
    )
    history = []
    for _ in range(epochs):
        train_loss = train_one_epoch(model, train_loader, optimizer)
        val_loss, val_acc = evaluate(model, validation_loader)
        schedule.step()
        history.append(
            {
                "train_loss": train_loss,
                "validation_loss": val_loss,
                "validation_accuracy": val_acc,
            }
        )
    return history
