# Homework 2: problem 1 (c), (e) and problem 2 in one file
import copy
import matplotlib.pyplot as plt
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
import torchvision.transforms as transforms

resnet = torchvision.models.resnet18(weights=None)

# (c)
def count(model):
    d = {}
    for n, p in model.named_parameters():
        layer = n.rsplit('.', 1)[0]
        d[layer] = d.get(layer, 0) + p.numel()
    return d

layer_params = count(resnet)
for layer in layer_params:
    print('%-25s %9d' % (layer, layer_params[layer]))
print('sum', sum(layer_params.values()))

# (e)
def walk(module, bn, bias, others):
    for child in module.children():
        if isinstance(child, nn.BatchNorm2d):
            bn.extend(child.parameters())
        elif isinstance(child, (nn.Conv2d, nn.Linear)):
            others.append(child.weight)
            if child.bias is not None:
                bias.append(child.bias)
        else:
            walk(child, bn, bias, others)

bn, bias, others = [], [], []
walk(resnet, bn, bias, others)
for s in (bn, bias, others):
    print(len(s), sum(p.numel() for p in s))

# problem 2
device = torch.device('cuda:0') if torch.cuda.is_available() else torch.device('cpu')
tf = transforms.Compose([transforms.ToTensor(), transforms.Normalize((.5, .5, .5), (.5, .5, .5))])
trainset = torchvision.datasets.CIFAR10(root='./data', train=True, download=True, transform=tf)
trainloader = torch.utils.data.DataLoader(trainset, batch_size=32, shuffle=True)
valset = torchvision.datasets.CIFAR10(root='./data', train=False, download=True, transform=tf)
valloader = torch.utils.data.DataLoader(valset, batch_size=256, shuffle=False)


class ResBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c1, self.b1 = nn.Conv2d(c, c, 3, padding=1), nn.BatchNorm2d(c)
        self.c2, self.b2 = nn.Conv2d(c, c, 3, padding=1), nn.BatchNorm2d(c)

    def forward(self, x):
        return F.relu(x + self.b2(self.c2(F.relu(self.b1(self.c1(x))))))

net = nn.Sequential(nn.Conv2d(3, 40, 4, 4), nn.BatchNorm2d(40), nn.ReLU(), ResBlock(40), nn.MaxPool2d(2),
                    ResBlock(40), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(160, 10)).to(device)
my_bn, my_bias, my_others = [], [], []
walk(net, my_bn, my_bias, my_others)
opt = torch.optim.SGD([{'params': my_bn}, {'params': my_bias}, {'params': my_others, 'weight_decay': 0.001}],
                      lr=0.02, momentum=0.9, nesterov=True)
# "divide the learning rate by 10"
sched = torch.optim.lr_scheduler.MultiStepLR(opt, milestones=[8, 9], gamma=10)

best_acc, accs = 0, []
for epoch in range(10):
    net.train()
    for x, y in trainloader:
        opt.zero_grad()
        F.cross_entropy(net(x.to(device)), y.to(device)).backward()
        opt.step()
    net.eval()
    hits = 0
    with torch.no_grad():
        for x, y in valloader:
            hits += (net(x.to(device)).argmax(-1) == y.to(device)).sum().item()
    acc = hits / len(valset)
    accs.append(acc)
    print('epoch', epoch, 'lr', opt.param_groups[0]['lr'], 'accuracy', acc)
    sched.step()
    if acc > best_acc:
        best_acc = acc
        torch.save(net.state_dict(), 'best_model.pt')

print('the best accuracy was', best_acc, ', its weights are in best_model.pt')
plt.plot(accs)
plt.title('validation accuracy')
plt.show()
