# All-CNN from the lecture on CIFAR10. Needs allcnn.py in the same folder.
import sys
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
import torchvision
import torchvision.transforms as transforms
import matplotlib.pyplot as plt
from allcnn import allcnn_t

epochs, batch_size, lr = 10, 32, 0.1
if len(sys.argv) > 1:
    epochs = int(sys.argv[1])

dev = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
trf = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,)*3, (0.5,)*3)])
ds_train = torchvision.datasets.CIFAR10('./', train=True, download=True, transform=trf)
ds_val = torchvision.datasets.CIFAR10('./', train=False, download=True, transform=trf)
train_dl = torch.utils.data.DataLoader(ds_train, batch_size=batch_size, shuffle=True)
val_dl = torch.utils.data.DataLoader(ds_val, batch_size=100)

# full width (96, 192) is too slow on my laptop
model = allcnn_t(12, 24).to(dev)
print('number of parameters', sum([p.numel() for p in model.parameters()]))

wd, no_wd = [], []
for m in model.modules():
    if isinstance(m, (nn.Conv2d, nn.Linear)):
        wd.append(m.weight)
        if m.bias is not None:
            no_wd.append(m.bias)
    elif isinstance(m, nn.BatchNorm2d):
        no_wd.extend([m.weight, m.bias])
optimizer = optim.SGD([dict(params=wd, weight_decay=1e-3), dict(params=no_wd)], lr=lr, momentum=0.9, nesterov=True)
sched = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=lr, total_steps=epochs*len(train_dl))
loss_func = nn.CrossEntropyLoss()

def fit(e):
    model.train()
    ls, err = [], []
    for xb, yb in train_dl:
        xb, yb = xb.to(dev), yb.to(dev)
        yh = model(xb)
        l = loss_func(yh, yb)
        optimizer.zero_grad()
        l.backward()
        optimizer.step()
        sched.step()
        ls.append(l.item()); err.append((yh.argmax(1) != yb).float().mean().item())
    return np.mean(ls), np.mean(err)

def val():
    model.eval()
    ls, err = 0, 0
    with torch.no_grad():
        for xb, yb in val_dl:
            yh = model(xb.to(dev))
            ls += loss_func(yh, yb.to(dev)).item() * len(xb)
            err += (yh.argmax(1).cpu() != yb).sum().item()
    return ls / len(ds_val), err / len(ds_val)

res = {'train_loss': [], 'train_err': [], 'val_loss': [], 'val_err': []}
for e in range(epochs):
    for k, v in zip(res, fit(e) + val()):
        res[k].append(v)
    print('[%d]' % e, ' '.join('%s %.3f' % (k, v[-1]) for k, v in res.items()))

for what in ['loss', 'err']:
    plt.figure()
    plt.plot(res['train_' + what]); plt.plot(res['val_' + what])
    plt.legend(['train', 'val']); plt.ylabel(what)
    plt.savefig('allcnn_%s.pdf' % what)
