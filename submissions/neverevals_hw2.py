import torch
import torch.nn as nn
import torchvision
from torchvision import datasets, transforms
import matplotlib.pyplot as plt

# ---------- problem 1 ----------
model = torchvision.models.resnet18(weights='IMAGENET1K_V1')
per_layer = {}
bn_parameters, biases, remaining_parameters = [], [], []
for name, mod in model.named_modules():
    own = list(mod.named_parameters(recurse=False))
    if not own:
        continue
    per_layer[name] = sum(p.numel() for _, p in own)
    for pn, p in own:
        if isinstance(mod, nn.BatchNorm2d): bn_parameters.append(p)
        elif pn == 'bias': biases.append(p)
        else: remaining_parameters.append(p)
print(per_layer)
print('total number of parameters: {:,}'.format(sum(per_layer.values())))
print('(i) {:,}  (ii) {:,}  (iii) {:,}'.format(*[sum(p.numel() for p in l) for l in (bn_parameters, biases, remaining_parameters)]))

# ---------- problem 2 ----------
device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
preprocess = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])])
train_ds = datasets.CIFAR10('./data', train=True, download=True, transform=preprocess)
val_ds = datasets.CIFAR10('./data', train=False, download=True, transform=preprocess)
train_dl = torch.utils.data.DataLoader(train_ds, batch_size=32, shuffle=True)
val_dl = torch.utils.data.DataLoader(val_ds, batch_size=100)

class Skip(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)
    def forward(self, x):
        return torch.relu(x + self.layers(x))

def conv(c, d, k=3, s=1, p=1):
    return nn.Conv2d(c, d, k, s, p, bias=False)

net = nn.Sequential(
    conv(3, 32, 4, 4, 0), nn.BatchNorm2d(32), nn.ReLU(),
    Skip(conv(32, 32), nn.BatchNorm2d(32), nn.ReLU(), conv(32, 32), nn.BatchNorm2d(32)),
    conv(32, 64, 3, 2), nn.BatchNorm2d(64), nn.ReLU(),
    Skip(conv(64, 64), nn.BatchNorm2d(64)),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(64, 10),
).to(device)

def is_bn_or_bias(name, module_of):
    return name.endswith('.bias') or isinstance(module_of[name.rpartition('.')[0]], nn.BatchNorm2d)

module_of = dict(net.named_modules())
optimizer = torch.optim.SGD([
    {'params': [p for n, p in net.named_parameters() if not is_bn_or_bias(n, module_of)], 'weight_decay': 0.001},
    {'params': [p for n, p in net.named_parameters() if is_bn_or_bias(n, module_of)], 'weight_decay': 0.0}],
    lr=0.05, momentum=0.9, nesterov=True)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[5, 8], gamma=0.1)
criterion = nn.CrossEntropyLoss()

net.train()
hist = []
for epoch in range(10):
    for x, y in train_dl:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
    scheduler.step()

    with torch.no_grad():
        wrong = 0
        for x, y in val_dl:
            wrong += int((net(x.to(device)).argmax(1) != y.to(device)).sum())
    hist.append(wrong / len(val_ds))
    print('epoch', epoch, 'train loss', float(loss), 'val error', hist[-1])

plt.plot(hist); plt.xlabel('epoch'); plt.ylabel('val error'); plt.show()
