import torch
import torch.nn.functional as F


def train(model, loader, opt):
    model.train()
    for data, target in loader:
        opt.zero_grad()
        loss = F.nll_loss(F.log_softmax(model(data), 1), target)
        loss.backward()
        opt.step()


def eval(model, loader):
    model.eval()
    correct = 0
    with torch.no_grad():
        for data, target in loader:
            pred = model(data).max(1, keepdim=True)[1]
            correct += pred.eq(target.view_as(pred)).sum().item()
    return correct / len(loader.dataset)


def main(model, train_loader, test_loader, opt, epochs=3):
    history = []
    for epoch in range(epochs):
        train(model, train_loader, opt)
        acc = eval(model, test_loader)
        history.append(acc)
        print("Epoch", epoch, "acc", round(100 * acc, 2))
    best = max(history)
    return eval(model, test_loader), best


def fit(model, loaders, compile=False, vars=None, open=True):
    if compile:
        model = torch.compile(model)
    return model
