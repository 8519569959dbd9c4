# Problem 2 with an exponential moving average of the weights (mean teacher paper), this is what I evaluate
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F
from torchvision import datasets, transforms
import matplotlib.pyplot as plt


class EMA:
    def __init__(self, net, decay=0.98):
        self.net = copy.deepcopy(net)
        self.decay = decay
        for p in self.net.parameters():
            p.requires_grad_(False)

    @torch.no_grad()
    def update(self, net):
        for mine, other in zip(self.net.parameters(), net.parameters()):
            mine.mul_(self.decay).add_(other, alpha=1 - self.decay)
        for mine, other in zip(self.net.buffers(), net.buffers()):
            mine.copy_(other)


class ResBlock(nn.Module):
    def __init__(self, cin, cout, s):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, s, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.down = nn.Sequential(nn.Conv2d(cin, cout, 1, s, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.down(x))


class ResNet8(nn.Module):
    def __init__(self, w=20):
        super().__init__()
        self.conv = nn.Conv2d(3, w, 4, 4, bias=False)
        self.bn = nn.BatchNorm2d(w)
        self.blocks = nn.Sequential(ResBlock(w, w, 1), ResBlock(w, 2 * w, 2), ResBlock(2 * w, 4 * w, 2))
        self.fc = nn.Linear(4 * w, 10)

    def forward(self, x):
        x = self.blocks(F.relu(self.bn(self.conv(x))))
        return self.fc(x.mean(dim=[2, 3]))


def groups_of(net):
    norm_params, bias_params, remaining = [], [], []
    for m in net.modules():
        for n, p in m._parameters.items():
            if p is None:
                continue
            if isinstance(m, nn.BatchNorm2d):
                norm_params.append(p)
            elif n == 'bias':
                bias_params.append(p)
            else:
                remaining.append(p)
    return norm_params, bias_params, remaining


def data(train, bs):
    tfs = [transforms.RandomCrop(32, padding=4)] if train else []
    tfs += [transforms.ToTensor(), transforms.Normalize((0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261))]
    ds = datasets.CIFAR10('./data', train=train, download=True, transform=transforms.Compose(tfs))
    return torch.utils.data.DataLoader(ds, batch_size=bs, shuffle=train)


def test(net, loader):
    net.eval()
    with torch.no_grad():
        n = sum(net(x).argmax(1).eq(y).sum().item() for x, y in loader)
    return 100. * n / len(loader.dataset)


def main():
    trainloader, testloader = data(True, 32), data(False, 100)
    net = ResNet8()
    ema = EMA(net)
    norm_params, bias_params, remaining = groups_of(net)
    opt = torch.optim.SGD([{'params': norm_params, 'weight_decay': 0}, {'params': bias_params, 'weight_decay': 0},
                           {'params': remaining, 'weight_decay': 1e-3}], lr=0.05, momentum=0.9, nesterov=True)
    sched = torch.optim.lr_scheduler.StepLR(opt, 7, 0.1)
    curve = []
    for epoch in range(10):
        net.train()
        for x, y in trainloader:
            opt.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            opt.step()
            ema.update(net)
        sched.step()
        curve.append(test(ema.net, testloader))
        print('epoch %d loss %.3f accuracy of the average %.2f%%' % (epoch, loss.item(), curve[-1]))
    plt.plot(curve)
    plt.savefig('ema.png')
    torch.save(ema.net.state_dict(), 'ema.pth')


main()
