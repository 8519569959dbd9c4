# ESE 546 homework 2, problem 1 (c), (e) and the training
import torch
import torchvision
from torch import nn
from torchvision import transforms

resnet = torchvision.models.resnet18()

# (c)
counts = {}
for name, module in resnet.named_modules():
    n = sum(p.numel() for p in module.parameters(recurse=False))
    if n:
        counts[name] = n
for name in counts:
    print(f"{name:30s} {counts[name]:>10,}")
print("total", sum(counts.values()))

# (e)
bn_params = []
bias_params = []
other_params = []
for module in resnet.modules():
    if isinstance(module, nn.BatchNorm2d):
        bn_params += [module.weight, module.bias]
    elif isinstance(module, (nn.Conv2d, nn.Linear)):
        other_params.append(module.weight)
        if module.bias is not None:
            bias_params.append(module.bias)
for group in (bn_params, bias_params, other_params):
    print(len(group), sum(p.numel() for p in group))

# training
transform = transforms.Compose([
    transforms.ToTensor(),
    transforms.Normalize((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
])
trainset = torchvision.datasets.CIFAR10("./data", train=True, download=True, transform=transform)
testset = torchvision.datasets.CIFAR10("./data", train=False, download=True, transform=transform)
trainloader = torch.utils.data.DataLoader(trainset, batch_size=64, shuffle=True)
testloader = torch.utils.data.DataLoader(testset, batch_size=256)


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        return torch.relu(x + self.path(x))


net = nn.Sequential(
    nn.Conv2d(3, 32, 4, stride=4), nn.BatchNorm2d(32), nn.ReLU(), Residual(32),
    nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.BatchNorm2d(64), nn.ReLU(), Residual(64),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))

decay = [p for p in net.parameters() if p.dim() > 1]
no_decay = [p for p in net.parameters() if p.dim() == 1]
optimizer = torch.optim.SGD(
    [{"params": decay, "weight_decay": 1e-3}, {"params": no_decay, "weight_decay": 0}],
    lr=0.1, momentum=0.9, nesterov=True)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [4, 8], gamma=0.1)
criterion = nn.CrossEntropyLoss()

for epoch in range(10):
    net.train()
    for x, y in trainloader:
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
    scheduler.step()
    net.eval()
    wrong = 0
    with torch.no_grad():
        for x, y in testloader:
            wrong += (net(x).argmax(1) != y).sum().item()
    print(epoch, loss.item(), "validation error", wrong / len(testset))
