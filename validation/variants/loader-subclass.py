import torch
import torch.nn as nn
import torchvision
from torch.utils.data import DataLoader, Dataset, RandomSampler


class Wrapped(Dataset):
    """CIFAR-10 with our own normalisation."""

    def __init__(self, train):
        self.inner = torchvision.datasets.CIFAR10("data", train=train, download=True)

    def __len__(self):
        return len(self.inner)

    def __getitem__(self, i):
        image, label = self.inner[i]
        x = torchvision.transforms.functional.to_tensor(image)
        return (x - 0.47) / 0.25, label


class Loader(DataLoader):
    def __init__(self, train, batch=64):
        data = Wrapped(train)
        super().__init__(data, batch_size=batch, sampler=RandomSampler(data) if train else None)

    def __iter__(self):
        for images, labels in super().__iter__():
            yield images.float(), labels.long()


def problem_c(model):
    rows = []
    for name, module in model.named_modules():
        own = sum(p.numel() for p in module.parameters(False))
        if own:
            rows.append([name, own])
    return dict(rows)


def problem_e(model):
    bn, bias, weights = [], [], []
    for module in model.modules():
        is_norm = isinstance(module, nn.BatchNorm2d)
        for key, p in module.named_parameters(recurse=False):
            bn.append(p) if is_norm else bias.append(p) if key == "bias" else weights.append(p)
    return {"bn": bn, "bias": bias, "weights": weights}


resnet = torchvision.models.resnet18()
answer_c = problem_c(resnet)
answer_e = problem_e(resnet)
print(answer_c, {k: sum(p.numel() for p in v) for k, v in answer_e.items()})

net = nn.Sequential(
    nn.Conv2d(3, 32, 4, 4, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
    nn.Conv2d(32, 64, 3, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
    nn.Flatten(), nn.Dropout(0.2), nn.Linear(1024, 10))
mine = problem_e(net)
optimizer = torch.optim.SGD([{"params": mine["weights"], "weight_decay": 1e-3},
                             {"params": mine["bn"], "weight_decay": 0.0},
                             {"params": mine["bias"], "weight_decay": 0.0}],
                            lr=0.05, momentum=0.9, nesterov=True)
train_loader, test_loader = Loader(True), Loader(False, 100)
for epoch in range(10):
    net.train()
    for images, labels in train_loader:
        loss = nn.functional.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        hits = [(net(images).argmax(1) == labels).float().sum() for images, labels in test_loader]
    print(epoch, float(sum(hits)) / len(test_loader.dataset))
