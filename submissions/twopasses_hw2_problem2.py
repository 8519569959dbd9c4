"""HW2 P2. Every image is shown twice per step, as it is and shifted, and the two outputs should agree."""
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
import torchvision.transforms as tt
from torch.utils.data import DataLoader

EPOCHS, BS, LR, LAMBDA = 5, 16, 0.03, 0.5   # 5 epochs here are as many passes as 10 of the others
dev = "cuda" if torch.cuda.is_available() else "cpu"


def shifted(x, most=4):
    """the batch moved by up to 4 pixels in each direction"""
    dy, dx = torch.randint(-most, most + 1, (2,)).tolist()
    return torch.roll(x, shifts=(dy, dx), dims=(2, 3))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(3, 32, 4, 4, bias=False)
        self.b1 = nn.BatchNorm2d(32)
        self.c2 = nn.Conv2d(32, 32, 3, 1, 1, bias=False)
        self.b2 = nn.BatchNorm2d(32)
        self.c3 = nn.Conv2d(32, 64, 3, 2, 1, bias=False)
        self.b3 = nn.BatchNorm2d(64)
        self.c4 = nn.Conv2d(64, 64, 3, 1, 1, bias=False)
        self.b4 = nn.BatchNorm2d(64)
        self.dropout = nn.Dropout(0.1)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.b1(self.c1(x)))
        x = F.relu(x + self.b2(self.c2(x)))
        x = F.relu(self.b3(self.c3(x)))
        x = F.relu(x + self.b4(self.c4(x)))
        return self.fc(self.dropout(F.adaptive_avg_pool2d(x, 1).flatten(1)))


def loaders(bs):
    t = tt.Compose([tt.ToTensor(), tt.Normalize((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))])
    return [DataLoader(torchvision.datasets.CIFAR10("./data", train=tr, download=True, transform=t), bs, shuffle=tr)
            for tr in (True, False)]


def train_epoch(model, data, opt, sched):
    model.train()
    for x, y in data:
        x, y = x.to(dev), y.to(dev)
        first = model(x)
        second = model(shifted(x))
        agree = F.kl_div(F.log_softmax(second, 1), F.softmax(first.detach(), 1), reduction="batchmean")
        loss = F.cross_entropy(first, y) + F.cross_entropy(second, y) + LAMBDA * agree
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
    return loss.item()


def validate(model, data):
    model.eval()
    correct = 0
    with torch.no_grad():
        for x, y in data:
            correct += (model(x.to(dev)).argmax(1) == y.to(dev)).sum().item()
    return correct / len(data.dataset)


if __name__ == "__main__":
    train_data, val_data = loaders(BS)
    model = Net().to(dev)
    opt = torch.optim.SGD([
        {"params": (p for p in model.parameters() if p.dim() > 1), "weight_decay": 1e-3},
        {"params": (p for p in model.parameters() if p.dim() == 1), "weight_decay": 0.0},
    ], lr=LR, momentum=0.9, nesterov=True)
    steps = EPOCHS * len(train_data)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, 2 * (1 - s / steps)) * min(1.0, (s + 1) / 50))
    for epoch in range(EPOCHS):
        loss = train_epoch(model, train_data, opt, sched)
        print(f"epoch {epoch + 1:3d} | loss {loss:.4f} | val acc {validate(model, val_data):.4f}")
