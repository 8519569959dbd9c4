import os
import torch, torchvision
import torch.nn as nn
import torch.optim as optim
from torchvision import transforms

os.makedirs('plots', exist_ok=True)
dev = 'cuda' if torch.cuda.is_available() else 'cpu'


def make_layers(cfg):
    layers, c = [], 3
    for i, (k, out, s) in enumerate(cfg):
        layers.append(nn.Conv2d(c, out, k, s, padding=0 if k == s else k // 2))
        layers.append(nn.BatchNorm2d(out))
        layers.append(nn.ReLU(inplace=True))
        c = out
    return nn.Sequential(*layers)


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = make_layers([(4, 32, 4), (3, 32, 1), (3, 64, 2), (3, 64, 1)])
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, 10)
        self.softmax = nn.Softmax(dim=1)

    def forward(self, x):
        x = self.avgpool(self.features(x)).flatten(1)
        return self.softmax(self.fc(x))   # probabilities of the classes


def train(loader, model, criterion, optimizer, scheduler):
    model.train()
    total, correct, n = 0.0, 0, 0
    for image, target in loader:
        image, target = image.to(dev), target.to(dev)
        prob = model(image)
        loss = criterion(prob, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item() * len(target)
        correct += (prob.argmax(1) == target).sum().item()
        n += len(target)
    return total / n, correct / n


def validate(loader, model, criterion):
    model.eval()
    total, correct, n = 0.0, 0, 0
    with torch.no_grad():
        for image, target in loader:
            image, target = image.to(dev), target.to(dev)
            prob = model(image)
            total += criterion(prob, target).item() * len(target)
            correct += (prob.argmax(1) == target).sum().item()
            n += len(target)
    return total / n, correct / n


def main(epochs=10):
    stats = transforms.Normalize((0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261))
    tr = transforms.Compose([transforms.RandomCrop(32, padding=4), transforms.ToTensor(), stats])
    te = transforms.Compose([transforms.ToTensor(), stats])
    train_loader = torch.utils.data.DataLoader(
        torchvision.datasets.CIFAR10('./data', train=True, download=True, transform=tr), batch_size=32, shuffle=True)
    val_loader = torch.utils.data.DataLoader(
        torchvision.datasets.CIFAR10('./data', train=False, download=True, transform=te), batch_size=100)
    model = ConvNet().to(dev)
    criterion = nn.CrossEntropyLoss()
    # vectors are biases and batch norm, they get no decay
    optimizer = optim.SGD([
        {'params': [p for p in model.parameters() if p.ndim == 1], 'weight_decay': 0},
        {'params': [p for p in model.parameters() if p.ndim != 1], 'weight_decay': 1e-3},
    ], lr=0.02, momentum=0.9, nesterov=True)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, 0.02, epochs=epochs, steps_per_epoch=len(train_loader))
    for epoch in range(epochs):
        tl, ta = train(train_loader, model, criterion, optimizer, scheduler)
        vl, va = validate(val_loader, model, criterion)
        print(f'{epoch:02d}: train {tl:.3f} ({ta:.1%}) validation {vl:.3f} ({va:.1%})')
    torch.save(model.state_dict(), 'plots/net.pth')


if __name__ == '__main__':
    main()
