import torch
import torch.nn as nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms as tfm
import matplotlib.pyplot as plt

# my laptop has no memory for 64 images, so several batches of 16 make one step
BATCH = 16
ACCUM = 2
EPOCHS = 10
LR = 0.05

def conv_block(i, o, s=1):
    return [nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU()]

class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)

def make_net():
    return nn.Sequential(
        nn.Conv2d(3, 32, 4, 4, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        Residual(*conv_block(32, 32), *conv_block(32, 32)),
        *conv_block(32, 64, 2),
        Residual(*conv_block(64, 64)),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))

def make_loaders():
    train = datasets.CIFAR10('~/datasets', train=True, download=True, transform=tfm.Compose([
        tfm.RandomCrop(32, padding=2, padding_mode='edge'), tfm.ToTensor(), tfm.Normalize((0.5,), (0.5,))]))
    test = datasets.CIFAR10('~/datasets', train=False, download=True, transform=tfm.Compose([
        tfm.ToTensor(), tfm.Normalize((0.5,), (0.5,))]))
    return DataLoader(train, BATCH, shuffle=True), DataLoader(test, 50)

def train(dl, net, opt, crit):
    net.train()
    opt.zero_grad()
    tot = 0.
    for step, (x, y) in enumerate(dl, start=1):
        loss = crit(net(x), y)
        (loss / ACCUM).backward()
        tot += loss.item()
        if step % ACCUM == 0 or step == len(dl):
            opt.step()
            opt.zero_grad()
    return tot / len(dl)

def test(dl, net, crit):
    net.eval()
    tot, err, n = 0., 0, 0
    with torch.no_grad():
        for x, y in dl:
            o = net(x)
            tot += crit(o, y).item() * len(y)
            err += (o.max(dim=1).indices != y).sum().item()
            n += len(y)
    return tot / n, err / n

def run():
    net = make_net()
    norm_ids = {id(p) for m in net.modules() if isinstance(m, nn.BatchNorm2d) for p in m.parameters()}
    opt = torch.optim.SGD([
        {'params': [p for n, p in net.named_parameters() if id(p) not in norm_ids and not n.endswith('bias')],
         'weight_decay': 1e-3},
        {'params': [p for n, p in net.named_parameters() if id(p) in norm_ids or n.endswith('bias')]},
    ], lr=LR, momentum=0.9, nesterov=True, weight_decay=0)
    train_dl, test_dl = make_loaders()
    crit = nn.CrossEntropyLoss()
    errs = []
    for e in range(EPOCHS):
        if e in (6, 9):
            for pg in opt.param_groups:
                pg['lr'] *= 0.1
        tl = train(train_dl, net, opt, crit)
        vl, ve = test(test_dl, net, crit)
        errs.append(ve)
        print('e%02d train %.3f val %.3f err %.1f%%' % (e, tl, vl, 100 * ve))
    plt.plot(range(EPOCHS), errs)
    plt.xlabel('Epochs')
    plt.ylabel('Validation error')
    plt.savefig('accum.png')

run()
