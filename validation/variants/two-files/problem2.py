"""Problem 2: the training."""
import torch
import torch.nn as nn
import torchvision
import torchvision.transforms as tt
from torch.utils.data import DataLoader

data = {
    split: torchvision.datasets.CIFAR10("data", train=split == "train", download=True, transform=tt.ToTensor())
    for split in ("train", "val")
}
loaders = {split: DataLoader(data[split], 50, shuffle=split == "train") for split in data}


def conv(a, b, stride):
    return nn.Sequential(nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU())


class Skip(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return x + self.inner(x)


model = nn.Sequential(
    nn.AvgPool2d(4), nn.BatchNorm2d(3), conv(3, 32, 1), Skip(conv(32, 32, 1)), conv(32, 64, 2),
    Skip(conv(64, 64, 1)), nn.Flatten(), nn.Linear(64 * 16, 10))

plain, special = [], []
for module in model.modules():
    for key, p in module.named_parameters(recurse=False):
        (special if isinstance(module, nn.BatchNorm2d) or key == "bias" else plain).append(p)
opt = torch.optim.SGD(plain, lr=0.02, momentum=0.9, weight_decay=1e-3, nesterov=True)
opt.add_param_group({"params": special, "weight_decay": 0.0})
sched = torch.optim.lr_scheduler.ExponentialLR(opt, 0.7)

for epoch in range(10):
    for phase in ("train", "val"):
        model.train(phase == "train")
        seen = right = 0
        with torch.set_grad_enabled(phase == "train"):
            for x, y in loaders[phase]:
                out = model(x)
                if phase == "train":
                    opt.zero_grad()
                    nn.functional.cross_entropy(out, y).backward()
                    opt.step()
                right += int((out.argmax(1) == y).sum())
                seen += len(y)
        print(epoch, phase, right / seen)
    sched.step()
