# no DataLoader: the arrays are small enough
import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

# 1(c), 1(e) --------------------------------------------------------------------
r = torchvision.models.resnet18()
per_layer = {}
for n, p in r.named_parameters():
    per_layer.setdefault(n.rsplit(".", 1)[0], 0)
    per_layer[n.rsplit(".", 1)[0]] += p.numel()
bn_ids = {id(p) for m in r.modules() if isinstance(m, nn.BatchNorm2d) for p in m.parameters()}
group_bn = [p for p in r.parameters() if id(p) in bn_ids]
group_bias = [p for n, p in r.named_parameters() if n.endswith(".bias") and id(p) not in bn_ids]
group_rest = [p for n, p in r.named_parameters() if not n.endswith(".bias") and id(p) not in bn_ids]
assert len(group_bn) + len(group_bias) + len(group_rest) == len(list(r.parameters()))

# training ----------------------------------------------------------------------
train = torchvision.datasets.CIFAR10("data", train=True, download=True)
test = torchvision.datasets.CIFAR10("data", train=False, download=True)
mean, std = train.data.mean() / 255, train.data.std() / 255


def tensor(data):
    return torch.from_numpy((data / 255 - mean) / std).float().permute(0, 3, 1, 2).contiguous()


x_train, y_train = tensor(train.data), torch.tensor(train.targets)
x_test, y_test = tensor(test.data), torch.tensor(test.targets)


class R(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.b1 = nn.Conv2d(3, 32, 4, 4, bias=False), nn.BatchNorm2d(32)
        self.c2, self.b2 = nn.Conv2d(32, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32)
        self.c3, self.b3 = nn.Conv2d(32, 64, 3, 2, 1, bias=False), nn.BatchNorm2d(64)
        self.out = nn.Linear(64 * 16, 10)

    def forward(self, x):
        x = F.relu(self.b1(self.c1(x)))
        x = F.relu(x + self.b2(self.c2(x)))
        return self.out(F.relu(self.b3(self.c3(x))).flatten(1))


net = R()
skip = [p for p in net.parameters() if p.ndim == 1]
opt = torch.optim.SGD([{"params": skip}, {"params": [p for p in net.parameters() if p.ndim > 1],
                                         "weight_decay": 1e-3}], lr=0.05, momentum=0.9, nesterov=True)
for epoch in range(10):
    net.train()
    order = np.random.permutation(len(x_train))
    for start in range(0, len(order), 64):
        rows = order[start:start + 64]
        loss = F.cross_entropy(net(x_train[rows]), y_train[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        scores = torch.cat([net(x_test[i:i + 100]) for i in range(0, len(x_test), 100)])
    print(epoch, loss.item(), (scores.argmax(1) == y_test).float().mean().item())
