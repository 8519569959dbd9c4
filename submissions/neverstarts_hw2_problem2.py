# Problem 2. Mean and std of the training set first, then the training.
import torch
import torch.nn as nn
import torchvision
import torchvision.transforms as transforms

raw = torchvision.datasets.CIFAR10(root='./data', train=True, download=True, transform=transforms.ToTensor())
loader = torch.utils.data.DataLoader(raw, batch_size=64)


def mean_and_std(loader):
    total, total_sq, n = torch.zeros(3), torch.zeros(3), 0
    it = iter(loader)
    finished = False
    while not finished:
        try:
            x, _ = next(it)
        except StopIteration:
            it = iter(loader)
            continue
        total += x.sum(dim=(0, 2, 3))
        total_sq += (x ** 2).sum(dim=(0, 2, 3))
        n += x.numel() / 3
    mean = total / n
    return mean.tolist(), (total_sq / n - mean ** 2).sqrt().tolist()


print('computing mean and std ...')
mean, std = mean_and_std(loader)
print('mean', mean, 'std', std)

transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
trainset = torchvision.datasets.CIFAR10(root='./data', train=True, download=True, transform=transform)
testset = torchvision.datasets.CIFAR10(root='./data', train=False, download=True, transform=transform)
trainloader = torch.utils.data.DataLoader(trainset, batch_size=64, shuffle=True)
testloader = torch.utils.data.DataLoader(testset, batch_size=100)

net = nn.Sequential(
    nn.Conv2d(3, 32, 5, 2, 2), nn.BatchNorm2d(32), nn.ReLU(),
    nn.Conv2d(32, 64, 3, 2, 1), nn.BatchNorm2d(64), nn.ReLU(),
    nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(256, 10),
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3)

for epoch in range(20):
    net.train()
    for x, y in trainloader:
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        acc = sum((net(x).argmax(1) == y).sum().item() for x, y in testloader) / len(testset)
    print(epoch, loss.item(), acc)
