"""Problem 2: training. Run with  python parallel_hw2_problem2.py --epochs 100 --lr 0.1"""
import argparse
import os

import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
import torch.backends.cudnn as cudnn
import torch.nn as nn
import torchvision
import torchvision.transforms as transforms


def conv_bn(c_in, c_out, k, s):
    return nn.Sequential(nn.Conv2d(c_in, c_out, k, s, k // 2, bias=False), nn.BatchNorm2d(c_out), nn.ReLU(inplace=True))


class Res(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return x + self.f(x)


def build(width=32, classes=10):
    return nn.Sequential(
        nn.Conv2d(3, width, 4, 4), nn.BatchNorm2d(width), nn.ReLU(),
        Res(nn.Sequential(conv_bn(width, width, 3, 1), conv_bn(width, width, 3, 1))),
        conv_bn(width, 2 * width, 3, 2),
        Res(nn.Sequential(conv_bn(2 * width, 2 * width, 3, 1), conv_bn(2 * width, 2 * width, 3, 1))),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(2 * width, classes),
    )


def get_data(batch_size, root):
    print("==> Preparing data..")
    norm = transforms.Normalize((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
    tr = transforms.Compose([transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(),
                             transforms.ToTensor(), norm])
    te = transforms.Compose([transforms.ToTensor(), norm])
    train = torchvision.datasets.CIFAR10(root, train=True, download=True, transform=tr)
    test = torchvision.datasets.CIFAR10(root, train=False, download=True, transform=te)
    return (torch.utils.data.DataLoader(train, batch_size, shuffle=True, drop_last=True),
            torch.utils.data.DataLoader(test, 100))


def one_epoch(epoch, optimizer, loader, loss_fn, net, schedule, device):
    """returns the average loss"""
    net.train()
    total = 0.
    for i, (inputs, targets) in enumerate(loader):
        inputs, targets = inputs.to(device), targets.to(device)
        loss = loss_fn(net(inputs), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.item()
        if i % 20 == 0:
            print(f"epoch {epoch} batch {i}/{len(loader)} loss {loss.item():.3f}")
    return total / len(loader)


@torch.no_grad()
def accuracy(loader, device, net):
    net.eval()
    good = n = 0
    for inputs, targets in loader:
        _, predicted = net(inputs.to(device)).max(1)
        n += targets.size(0)
        good += predicted.cpu().eq(targets).sum().item()
    return good / n


def main(cfg):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    train_loader, test_loader = get_data(cfg.batch_size, cfg.data)
    net = build(cfg.width).to(device)
    net = torch.nn.DataParallel(net)
    cudnn.benchmark = True

    # biases and batchnorm (everything with one dimension) are not decayed
    decay = [p for n, p in net.named_parameters() if p.dim() > 1]
    no_decay = [p for n, p in net.named_parameters() if p.dim() <= 1]
    optimizer = torch.optim.SGD([dict(params=decay, weight_decay=cfg.wd), dict(params=no_decay, weight_decay=0.)],
                                lr=cfg.lr, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, cfg.lr, total_steps=cfg.epochs * len(train_loader))

    curve = []
    for epoch in range(1, cfg.epochs + 1):
        loss = one_epoch(epoch, optimizer, train_loader, nn.CrossEntropyLoss(), net, schedule, device)
        acc = accuracy(test_loader, device, net)
        curve.append((loss, acc))
        print(f"==> epoch {epoch}: loss {loss:.4f} test accuracy {100 * acc:.2f}")
    os.makedirs("checkpoint", exist_ok=True)
    torch.save({"net": net.module.state_dict(), "acc": acc, "epoch": epoch}, "./checkpoint/ckpt.pth")
    plt.plot([c[0] for c in curve]); plt.plot([c[1] for c in curve])
    plt.savefig("curve.pdf")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", default=0.1, type=float)
    parser.add_argument("--wd", default=1e-3, type=float)
    parser.add_argument("--epochs", default=10, type=int)
    parser.add_argument("--batch_size", default=32, type=int)
    parser.add_argument("--width", default=32, type=int)
    parser.add_argument("--data", default="./data")
    main(parser.parse_args())
