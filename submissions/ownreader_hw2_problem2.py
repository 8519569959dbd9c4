"""
Problem 2 with my own data loading, because torchvision wanted to download CIFAR again every time.
The archive from the CIFAR web page has to be unpacked in ./data
"""
import os
import pickle

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, Sampler

DATA = './data/cifar-10-batches-py'


def unpickle(file):
    with open(file, 'rb') as fo:
        d = pickle.load(fo, encoding='bytes')
    return d


class CIFAR(Dataset):
    def __init__(self, split):
        names = ['data_batch_%d' % i for i in range(1, 6)] if split == 'train' else ['test_batch']
        batches = [unpickle(os.path.join(DATA, n)) for n in names]
        x = np.concatenate([b[b'data'] for b in batches])
        self.x = x.reshape(-1, 3, 32, 32).astype(np.float32) / 255.0
        self.y = np.concatenate([b[b'labels'] for b in batches]).astype(np.int64)
        self.split = split
        # mean and std of CIFAR per channel
        mean = np.array([0.491, 0.482, 0.447], dtype=np.float32).reshape(3, 1, 1)
        std = np.array([0.247, 0.243, 0.262], dtype=np.float32).reshape(3, 1, 1)
        self.x = (self.x - mean) / std

    def __len__(self):
        return self.y.shape[0]

    def __getitem__(self, i):
        img = self.x[i]
        if self.split == 'train':
            # random crop with 4 pixels of padding
            img = np.pad(img, ((0, 0), (4, 4), (4, 4)), mode='edge')
            r, c = np.random.randint(0, 9, size=2)
            img = img[:, r:r + 32, c:c + 32]
        return torch.from_numpy(np.ascontiguousarray(img)), int(self.y[i])


class SpreadSampler(Sampler):
    """random order, but with the classes spread evenly, so each batch has about the same number of each"""

    def __init__(self, labels):
        self.labels = np.asarray(labels)

    def __iter__(self):
        place = np.empty(len(self.labels))
        for c in np.unique(self.labels):
            mine = np.random.permutation(np.where(self.labels == c)[0])
            place[mine] = (np.arange(len(mine)) + np.random.rand(len(mine))) / len(mine)
        return iter(np.argsort(place).tolist())

    def __len__(self):
        return len(self.labels)


class Net(nn.Module):
    def __init__(self, c=40):
        super().__init__()
        self.c0 = nn.Conv2d(3, c, 4, 4); self.b0 = nn.BatchNorm2d(c)
        self.c1 = nn.Conv2d(c, c, 3, 1, 1); self.b1 = nn.BatchNorm2d(c)
        self.c2 = nn.Conv2d(c, 2 * c, 3, 2, 1); self.b2 = nn.BatchNorm2d(2 * c)
        self.c3 = nn.Conv2d(2 * c, 2 * c, 3, 1, 1); self.b3 = nn.BatchNorm2d(2 * c)
        self.fc = nn.Linear(2 * c, 10)

    def forward(self, x):
        x = F.relu(self.b0(self.c0(x)))
        x = x + F.relu(self.b1(self.c1(x)))
        x = F.relu(self.b2(self.c2(x)))
        x = x + F.relu(self.b3(self.c3(x)))
        return self.fc(x.mean((2, 3)))


train_data, val_data = CIFAR('train'), CIFAR('test')
print(train_data.x.shape, val_data.x.shape, 'mean', train_data.x.mean(), 'std', train_data.x.std())
train_loader = DataLoader(train_data, batch_size=32, sampler=SpreadSampler(train_data.y))
val_loader = DataLoader(val_data, batch_size=100)

net = Net()
opt = torch.optim.SGD(
    [{'params': [m.weight for m in net.modules() if type(m) in (nn.Conv2d, nn.Linear)], 'weight_decay': 1e-3},
     {'params': [m.bias for m in net.modules() if type(m) in (nn.Conv2d, nn.Linear)] +
                [p for m in net.modules() if type(m) == nn.BatchNorm2d for p in m.parameters()]}],
    lr=0.05, momentum=0.9, nesterov=True)
lrs = [0.05] * 7 + [0.005] * 2 + [0.0005]

for epoch, lr in enumerate(lrs):
    for group in opt.param_groups:
        group['lr'] = lr
    net.train()
    for x, y in train_loader:
        opt.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        ok = [(net(x).argmax(1) == y).numpy() for x, y in val_loader]
    print('epoch', epoch, 'lr', lr, 'last batch loss', loss.item(), 'val error', 1 - np.concatenate(ok).mean())
