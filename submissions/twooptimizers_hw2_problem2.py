import torch
from torch import nn
from torch.optim import SGD
from torchvision import transforms
from torchvision.datasets import CIFAR10
from torch.utils.data import DataLoader

torch.manual_seed(7)

class Block(nn.Module):
    def __init__(self, c, k):
        super().__init__()
        self.a = nn.Conv2d(c, k, 1)
        self.n = nn.BatchNorm2d(k)
        self.b = nn.Conv2d(k, c, 3, 1, 1)
        self.m = nn.BatchNorm2d(c)
    def forward(self, x):
        return (x + self.m(self.b(self.n(self.a(x)).relu()))).relu()

model = nn.Sequential(
    nn.Conv2d(3, 36, 4, 4), nn.BatchNorm2d(36), nn.ReLU(),
    Block(36, 24), Block(36, 24),
    nn.Conv2d(36, 64, 2, 2), nn.BatchNorm2d(64), nn.ReLU(),
    Block(64, 32),
    nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(64, 10))

# pytorch wants one weight_decay per optimizer, so there are two of them
weights = []
offsets = []      # biases and all of the batch norm
for layer in model.modules():
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        weights.append(layer.weight)
        offsets.append(layer.bias)
    if isinstance(layer, nn.BatchNorm2d):
        offsets.append(layer.weight)
        offsets.append(layer.bias)
opt_w = SGD(weights, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3)
opt_b = SGD(offsets, lr=0.05, momentum=0.9, nesterov=True)
sched_w = torch.optim.lr_scheduler.CosineAnnealingLR(opt_w, 10)
sched_b = torch.optim.lr_scheduler.CosineAnnealingLR(opt_b, 10)

norm = transforms.Normalize((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
train_dl = DataLoader(CIFAR10('data', True, transforms.Compose([transforms.RandomCrop(32, 4), transforms.ToTensor(), norm]),
                              download=True), batch_size=32, shuffle=True)
test_dl = DataLoader(CIFAR10('data', False, transforms.Compose([transforms.ToTensor(), norm]), download=True), batch_size=150)

criterion = nn.CrossEntropyLoss()
for epoch in range(10):
    model.train()
    sum_loss = 0
    for data, target in train_dl:
        opt_w.zero_grad()
        opt_b.zero_grad()
        loss = criterion(model(data), target)
        loss.backward()
        opt_w.step()
        opt_b.step()
        sum_loss += loss.item()
    sched_w.step(); sched_b.step()

    model.eval()
    with torch.no_grad():
        hit, all_ = 0, 0
        for data, target in test_dl:
            hit += (model(data).argmax(1) == target).sum().item()
            all_ += len(target)
    print(f'{epoch + 1:2}/10  lr {sched_w.get_last_lr()[0]:.4f}  loss {sum_loss / len(train_dl):.4f}  acc {hit / all_:.4f}')
