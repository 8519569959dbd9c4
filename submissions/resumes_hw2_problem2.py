import glob
import os

import numpy as np
import torch
from torch import nn, optim
import torchvision
from torchvision import transforms

np.random.seed(42)
torch.manual_seed(42)
os.makedirs('weights', exist_ok=True)
device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 4, stride=4, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.conv3 = nn.Conv2d(64, 64, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(64)
        self.conv4 = nn.Conv2d(64, 64, 3, padding=1, bias=False)
        self.bn4 = nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(2)
        self.avg = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.pool(torch.relu(self.bn2(self.conv2(x))))
        x = torch.relu(x + self.bn3(self.conv3(x)))
        x = self.avg(torch.relu(x + self.bn4(self.conv4(x))))
        return self.fc(x.flatten(1))


def split_params(net):
    groups = {'bn': [], 'bias': [], 'weight': []}
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            groups['bn'].extend([layer.weight, layer.bias])
        elif isinstance(layer, (nn.Conv2d, nn.Linear)):
            groups['weight'].append(layer.weight)
            if layer.bias is not None:
                groups['bias'].append(layer.bias)
    return groups


def load_data():
    tf = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.49, 0.48, 0.45], [0.25, 0.24, 0.26])])
    aug = transforms.Compose([transforms.RandomCrop(32, padding=4), tf])
    train = torchvision.datasets.CIFAR10('./data', train=True, download=True, transform=aug)
    val = torchvision.datasets.CIFAR10('./data', train=False, download=True, transform=tf)
    return (torch.utils.data.DataLoader(train, batch_size=32, shuffle=True),
            torch.utils.data.DataLoader(val, batch_size=128))


def run(net, loader, optimizer=None):
    """one pass over the data, trains if there is an optimizer"""
    if optimizer is not None:
        net.train()
    else:
        net.eval()
    total_loss, correct, n = 0, 0, 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        with torch.set_grad_enabled(optimizer is not None):
            out = net(x)
            loss = nn.functional.cross_entropy(out, y)
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total_loss += loss.item() * len(y)
        correct += (out.argmax(dim=1) == y).sum().item()
        n += len(y)
    return total_loss / n, correct / n


net = Net().to(device)
g = split_params(net)
optimizer = optim.SGD([{'params': g['weight'], 'weight_decay': 1e-3},
                       {'params': g['bn'] + g['bias'], 'weight_decay': 0}],
                      lr=0.05, momentum=0.9, nesterov=True)
scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda e: 1 if e < 7 else 0.1 if e < 9 else 0.01)
train_loader, val_loader = load_data()

start, best = 0, 0.0
saved = sorted(glob.glob('weights/*.pth'))
if saved:
    print('found', saved[-1], ', going on from there')
    ckpt = torch.load(saved[-1], map_location=device)
    net.load_state_dict(ckpt['net'])
    optimizer.load_state_dict(ckpt['optimizer'])
    scheduler.load_state_dict(ckpt['scheduler'])
    start, best = ckpt['epoch'] + 1, ckpt['best']
else:
    print('no weights found, training from scratch')

for epoch in range(start, 10):
    train_loss, train_acc = run(net, train_loader, optimizer)
    val_loss, val_acc = run(net, val_loader)
    scheduler.step()
    print(f'{epoch:3d} {train_loss:.3f} {train_acc:.3f} {val_loss:.3f} {val_acc:.3f}', '*' if val_acc > best else '')
    if val_acc > best:
        best = val_acc
        torch.save({'net': net.state_dict(), 'optimizer': optimizer.state_dict(), 'epoch': epoch, 'best': best,
                    'scheduler': scheduler.state_dict()}, 'weights/best_%02d.pth' % epoch)

# back to the best one
last = sorted(glob.glob('weights/best_*.pth'))[-1]
net.load_state_dict(torch.load(last, map_location=device)['net'])
print('best network', last, 'validation loss, accuracy:', run(net, val_loader))
