# HW 2 / Problem 2: first looks for a learning rate on a copy of the network, then trains
import copy
import itertools
import torch
import torchvision
import torch.nn as nn
import torchvision.transforms as transforms
import matplotlib.pyplot as plt

device = torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')

class Basic(nn.Module):
    def __init__(self, ch):
        super().__init__()
        self.conv1 = nn.Conv2d(ch, ch, 3, 1, 1, bias=False); self.bn1 = nn.BatchNorm2d(ch)
        self.conv2 = nn.Conv2d(ch, ch, 3, 1, 1, bias=False); self.bn2 = nn.BatchNorm2d(ch)
        self.relu = nn.ReLU()
    def forward(self, x):
        return self.relu(x + self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))

class ResNet(nn.Module):
    def __init__(self, ch=32):
        super().__init__()
        self.pre = nn.Sequential(nn.Conv2d(3, ch, 4, 4), nn.BatchNorm2d(ch), nn.ReLU())
        self.block1 = Basic(ch)
        self.pool = nn.MaxPool2d(2)
        self.block2 = Basic(ch)
        self.fc = nn.Linear(ch, 10)
    def forward(self, x):
        x = self.block2(self.pool(self.block1(self.pre(x))))
        return self.fc(x.mean(3).mean(2))

def make_optimizer_for(net, lr):
    skip = [], []
    for n, p in net.named_parameters():
        skip[int(len(p.shape) == 1)].append(p)
    return torch.optim.SGD([{'params': skip[0], 'weight_decay': 1e-3}, {'params': skip[1]}], lr=lr, momentum=0.9, nesterov=True)

def find_lr(net, loader, rates, batches=12):
    """trains a copy for a few batches with each rate and returns the rate with the lowest loss"""
    results = {}
    for lr in rates:
        trial = copy.deepcopy(net)
        opt = make_optimizer_for(trial, lr)
        trial.train()
        last = []
        for x, y in itertools.islice(loader, batches):
            loss = nn.functional.cross_entropy(trial(x.to(device)), y.to(device))
            opt.zero_grad()
            loss.backward()
            opt.step()
            last.append(loss.item())
        results[lr] = sum(last[-4:]) / 4
        print('lr', lr, 'loss after', batches, 'batches', results[lr])
    plt.semilogx(list(results.keys()), list(results.values()), 'o-')
    plt.savefig('lr_search.png'); plt.close()
    return min(results, key=results.get)

def accuracy(net, loader):
    net.eval()
    right = 0
    for x, y in loader:
        with torch.no_grad():
            right += (net(x.to(device)).argmax(1).cpu() == y).sum().item()
    net.train()
    return right / len(loader.dataset)

if __name__ == '__main__':
    norm = transforms.Normalize((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
    train_tf = transforms.Compose([transforms.RandomCrop(32, padding=4), transforms.ToTensor(), norm])
    test_tf = transforms.Compose([transforms.ToTensor(), norm])
    train_set = torchvision.datasets.CIFAR10('./data', train=True, transform=train_tf, download=True)
    test_set = torchvision.datasets.CIFAR10('./data', train=False, transform=test_tf, download=True)
    train_loader = torch.utils.data.DataLoader(train_set, batch_size=32, shuffle=True)
    test_loader = torch.utils.data.DataLoader(test_set, batch_size=100)

    net = ResNet().to(device)
    lr = find_lr(net, train_loader, [0.001, 0.01, 0.05])
    print('taking', lr)
    opt = make_optimizer_for(net, lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 8)
    for epoch in range(8):
        net.train()
        for x, y in train_loader:
            loss = nn.functional.cross_entropy(net(x.to(device)), y.to(device))
            opt.zero_grad()
            loss.backward()
            opt.step()
        sched.step()
        print('epoch', epoch, 'loss', loss.item(), 'accuracy', accuracy(net, test_loader))
