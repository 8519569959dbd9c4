import torch
from torch import nn, optim
from torch.nn import functional as F


class Net(nn.Module):
    """ResNet with three stages of one block each"""

    def __init__(self, classes=10):
        super().__init__()
        self.stem = nn.Conv2d(3, 20, 3, padding=1)
        self.norm = nn.BatchNorm2d(20)
        self.stages = nn.ModuleList()
        for c_in, c_out, stride in [(20, 20, 1), (20, 40, 2), (40, 80, 2)]:
            self.stages.append(nn.ModuleDict({
                'c1': nn.Conv2d(c_in, c_out, 3, stride, 1), 'n1': nn.BatchNorm2d(c_out),
                'c2': nn.Conv2d(c_out, c_out, 3, 1, 1), 'n2': nn.BatchNorm2d(c_out),
                'sc': nn.Conv2d(c_in, c_out, 1, stride),
            }))
        self.out = nn.Linear(80, classes)

    def forward(self, x):
        x = F.relu(self.norm(self.stem(x)))
        for s in self.stages:
            r = F.relu(s['n1'](s['c1'](x)))
            x = F.relu(s['n2'](s['c2'](r)) + s['sc'](x))
        return self.out(F.adaptive_avg_pool2d(x, 1).flatten(1))


def build_model(num_classes=10):
    return Net(num_classes)


def make_optimizer(net, lr=0.003):
    decay, no_decay = [], []
    for m in net.modules():
        for name, p in m.named_parameters(recurse=False):
            if name == 'bias' or isinstance(m, nn.BatchNorm2d):
                no_decay.append(p)
            else:
                decay.append(p)
    return optim.AdamW([{'params': decay, 'weight_decay': 1e-3}, {'params': no_decay, 'weight_decay': 0}],
                       lr=lr)


def evaluate(net, loader):
    net.eval()
    right, n, loss = 0, 0, 0.
    with torch.no_grad():
        for x, y in loader:
            z = net(x)
            loss += F.cross_entropy(z, y, reduction='sum').item()
            right += z.argmax(-1).eq(y).sum().item()
            n += y.numel()
    return loss / n, right / n


def train(net, train_loader, val_loader, epochs):
    opt = make_optimizer(net)
    rows = []
    net.train()
    for epoch in range(epochs):
        for g in opt.param_groups:
            g['lr'] = 0.003 if epoch < 0.8 * epochs else 0.001
        for x, y in train_loader:
            opt.zero_grad()
            F.cross_entropy(net(x), y).backward()
            opt.step()
        loss, acc = evaluate(net, val_loader)
        rows.append({'epoch': epoch, 'val_loss': loss, 'val_acc': acc})
    return rows
