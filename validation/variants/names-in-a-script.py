import torch, torchvision
import torch.nn as nn
import torchvision.transforms as transforms

model = torchvision.models.resnet18()
print({n: sum(p.numel() for p in m.parameters(recurse=False)) for n, m in model.named_modules()})
layer_params = {n: sum(p.numel() for p in m.parameters(recurse=False)) for n, m in model.named_modules()}

def name_lists(net):
    bn_names, bias_names, other_names = [], [], []
    for mname, m in net.named_modules():
        for pname, p in m.named_parameters(recurse=False):
            full = mname + '.' + pname if mname else pname
            if type(m) == nn.BatchNorm2d:
                bn_names.append(full)
            elif pname == 'bias':
                bias_names.append(full)
            else:
                other_names.append(full)
    return bn_names, bias_names, other_names

bn_names, bias_names, other_names = name_lists(model)
print(len(bn_names), len(bias_names), len(other_names))

# small network
net = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(3, 40, 3, padding=1), nn.BatchNorm2d(40), nn.ReLU(),
                    nn.Conv2d(40, 40, 3, padding=1), nn.BatchNorm2d(40), nn.ReLU(), nn.MaxPool2d(2),
                    nn.Conv2d(40, 80, 3, padding=1), nn.BatchNorm2d(80), nn.ReLU(), nn.MaxPool2d(2),
                    nn.Conv2d(80, 80, 3, padding=1), nn.BatchNorm2d(80), nn.ReLU(),
                    nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(80, 10))
a, b, c = name_lists(net)
params = dict(net.named_parameters())
opt = torch.optim.SGD([{'params': [params[n] for n in a], 'weight_decay': 0},
                       {'params': [params[n] for n in b], 'weight_decay': 0},
                       {'params': [params[n] for n in c], 'weight_decay': 0.001}],
                      lr=0.05, momentum=0.9, nesterov=True)

tr = torchvision.datasets.CIFAR10('./data', train=True, download=True, transform=transforms.ToTensor())
te = torchvision.datasets.CIFAR10('./data', train=False, download=True, transform=transforms.ToTensor())
trl = torch.utils.data.DataLoader(tr, 32, True)
tel = torch.utils.data.DataLoader(te, 100)
for e in range(10):
    if e in (4, 8):
        for g in opt.param_groups:
            g['lr'] /= 10
    net.train()
    for x, y in trl:
        out = net(x)
        l = nn.functional.cross_entropy(out, y)
        net.zero_grad()
        l.backward()
        opt.step()
    net.eval()
    ok = 0
    for x, y in tel:
        with torch.no_grad():
            ok += (net(x).max(1)[1] == y).sum().item()
    print(e, ok / len(te))
