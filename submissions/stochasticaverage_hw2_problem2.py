import torch, torchvision
import torch.nn as nn
from torch.optim.swa_utils import AveragedModel, SWALR, update_bn
from torchvision.transforms import Compose, ToTensor, Normalize, RandomCrop

bs = 32; num_epochs = 10; swa_start = 6

T_train = Compose([RandomCrop(32, padding=4), ToTensor(), Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])
T_val = Compose([ToTensor(), Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])
cifar_train = torchvision.datasets.CIFAR10('data/', train=True, transform=T_train, download=True)
cifar_val = torchvision.datasets.CIFAR10('data/', train=False, transform=T_val, download=True)
train_loader = torch.utils.data.DataLoader(cifar_train, batch_size=bs, shuffle=True, drop_last=True)
val_loader = torch.utils.data.DataLoader(cifar_val, batch_size=bs)

def cbr(i, o, k, s, p):
    return nn.Sequential(nn.Conv2d(i, o, k, s, p), nn.BatchNorm2d(o), nn.ReLU())

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = cbr(3, 32, 4, 4, 0)
        self.b = nn.Sequential(cbr(32, 32, 3, 1, 1), cbr(32, 32, 3, 1, 1))
        self.c = cbr(32, 64, 3, 2, 1)
        self.d = cbr(64, 64, 3, 1, 1)
        self.fc = nn.Linear(64, 10)
    def forward(self, x):
        x = self.a(x)
        x = x + self.b(x)
        x = self.c(x)
        x = x + self.d(x)
        return self.fc(x.mean((-1, -2)))

model = Net()
swa_model = AveragedModel(model)
decayed = dict(params=[p for n, p in model.named_parameters() if p.ndim >= 2], weight_decay=1e-3)
spared = dict(params=[p for n, p in model.named_parameters() if p.ndim < 2])
optimizer = torch.optim.SGD([decayed, spared], lr=0.05, momentum=0.9, nesterov=True)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=7)
swa_scheduler = SWALR(optimizer, swa_lr=0.005, anneal_epochs=1)
ce = nn.CrossEntropyLoss()

def check(m):
    m.eval()
    c = 0
    with torch.no_grad():
        for x, y in val_loader:
            c += (m(x).argmax(1) == y).sum().item()
    return c / len(cifar_val)

for epoch in range(num_epochs):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        l = ce(model(x), y)
        l.backward()
        optimizer.step()
    if epoch >= swa_start:
        swa_model.update_parameters(model)
        swa_scheduler.step()
    else:
        scheduler.step()
    print(epoch, l.item(), check(model))

update_bn(train_loader, swa_model)
print('average of the last', num_epochs - swa_start, 'epochs:', check(swa_model))
torch.save(swa_model.module.state_dict(), 'swa.pt')
