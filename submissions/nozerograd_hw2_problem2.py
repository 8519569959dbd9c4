import torch
from torch import nn
from torch.utils.data import DataLoader
import torchvision as tv
import torchvision.transforms as T

def get_loaders(root='data', bs=32):
    t = T.Compose([T.ToTensor(), T.Normalize((0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261))])
    return {'train': DataLoader(tv.datasets.CIFAR10(root, train=True, transform=t, download=True), bs, shuffle=True),
            'val': DataLoader(tv.datasets.CIFAR10(root, train=False, transform=t, download=True), bs)}

class ResidualNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.start = nn.Sequential(nn.Conv2d(3, 24, 4, 4), nn.BatchNorm2d(24), nn.ReLU())
        self.r1 = nn.Sequential(nn.Conv2d(24, 24, 3, 1, 1), nn.BatchNorm2d(24), nn.ReLU(), nn.Conv2d(24, 24, 3, 1, 1), nn.BatchNorm2d(24))
        self.mid = nn.Sequential(nn.Conv2d(24, 48, 3, 2, 1), nn.BatchNorm2d(48), nn.ReLU())
        self.r2 = nn.Sequential(nn.Conv2d(48, 48, 3, 1, 1), nn.BatchNorm2d(48), nn.ReLU(), nn.Conv2d(48, 48, 3, 1, 1), nn.BatchNorm2d(48))
        self.end = nn.Linear(48, 10)
    def forward(self, x):
        x = self.start(x)
        x = (x + self.r1(x)).relu()
        x = self.mid(x)
        x = (x + self.r2(x)).relu()
        return self.end(x.mean((2, 3)))

loaders = get_loaders()
net = ResidualNet()
loss_fn = nn.CrossEntropyLoss()
l_bn, l_bias, l_other = [], [], []
for layer in net.modules():
    if isinstance(layer, nn.BatchNorm2d):
        l_bn.extend((layer.weight, layer.bias))
    elif hasattr(layer, 'weight'):
        l_other.append(layer.weight)
        l_bias.append(layer.bias)
opt = torch.optim.SGD([{'params': l_bn, 'weight_decay': 0}, {'params': l_bias, 'weight_decay': 0},
                       {'params': l_other, 'weight_decay': 1e-3}], lr=0.1, momentum=0.9, nesterov=True)

losses = []
for e in range(10):
    net.train()
    for b, (x, y) in enumerate(loaders['train']):
        out = net(x)
        loss = loss_fn(out, y)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    net.eval()
    val_correct = 0
    with torch.no_grad():
        for x, y in loaders['val']:
            val_correct += (net(x).argmax(1) == y).sum().item()
    # why does the loss go up?? tried lr 0.01 too
    print('epoch', e, 'loss', sum(losses[-len(loaders['train']):]) / len(loaders['train']),
          'val acc', val_correct / len(loaders['val'].dataset))
