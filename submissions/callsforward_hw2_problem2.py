#!/usr/bin/env python3
# -*- coding: utf-8 -*-
"""
ESE 546, homework 2, problem 2
I worked with nobody. 11 hours.
"""

import torch
import torch.nn as nn
import torch.optim as optim
import torchvision
import torchvision.transforms as transforms
import matplotlib.pyplot as plt


def load_cifar(batch):
    t_train = transforms.Compose([transforms.RandomCrop(32, padding=4), transforms.ToTensor(),
                                  transforms.Normalize((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))])
    t_test = transforms.Compose([transforms.ToTensor(),
                                 transforms.Normalize((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))])
    train = torchvision.datasets.CIFAR10(root='./data', train=True, download=True, transform=t_train)
    test = torchvision.datasets.CIFAR10(root='./data', train=False, download=True, transform=t_test)
    return (torch.utils.data.DataLoader(train, batch_size=batch, shuffle=True),
            torch.utils.data.DataLoader(test, batch_size=batch, shuffle=False))


class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super(ResidualBlock, self).__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.skip = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride)

    def forward(self, x):
        out = nn.functional.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.skip(x)
        return nn.functional.relu(out)


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv = nn.Conv2d(3, 24, kernel_size=4, stride=4)
        self.bn = nn.BatchNorm2d(24)
        self.block1 = ResidualBlock(24, 32)
        self.block2 = ResidualBlock(32, 64, stride=2)
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = nn.functional.relu(self.bn(self.conv(x)))
        x = self.block2(self.block1(x))
        x = nn.functional.avg_pool2d(x, 4)
        x = x.view(x.size(0), -1)
        return self.linear(x)


def sort_parameters(net):
    list1 = []  # batch norm
    list2 = []  # biases
    list3 = []  # the rest
    for module in net.modules():
        if len(list(module.children())) > 0:
            continue
        for key, par in module.named_parameters():
            if 'BatchNorm' in module.__class__.__name__:
                list1.append(par)
            elif key == 'bias':
                list2.append(par)
            else:
                list3.append(par)
    return list1, list2, list3


net = Net()
list1, list2, list3 = sort_parameters(net)
print(len(list1), len(list2), len(list3))
optimizer = optim.SGD([{'params': list1, 'weight_decay': 0}, {'params': list2, 'weight_decay': 0}, {'params': list3}],
                      lr=0.05, momentum=0.9, weight_decay=0.001, nesterov=True)
scheduler = optim.lr_scheduler.MultiStepLR(optimizer, [6, 9], 0.1)
lossfunction = nn.CrossEntropyLoss()
trainloader, testloader = load_cifar(32)

trainloss, testloss, testerror = [], [], []
for epoch in range(0, 10):
    net.train()
    l = 0
    for batch, (inputs, labels) in enumerate(trainloader):
        optimizer.zero_grad()
        outputs = net.forward(inputs)
        loss = lossfunction(outputs, labels)
        loss.backward()
        optimizer.step()
        l = l + float(loss)
    trainloss.append(l / len(trainloader))
    scheduler.step()

    net.eval()
    l = 0
    wrong = 0
    with torch.no_grad():
        for (inputs, labels) in testloader:
            outputs = net.forward(inputs)
            l = l + float(lossfunction(outputs, labels))
            wrong = wrong + int(torch.sum(torch.argmax(outputs, dim=1) != labels))
    testloss.append(l / len(testloader))
    testerror.append(wrong / len(testloader.dataset))
    print('Epoch', epoch + 1, 'training loss', trainloss[-1], 'test loss', testloss[-1], 'test error', testerror[-1])

plt.figure()
plt.plot(trainloss, label='training loss')
plt.plot(testloss, label='test loss')
plt.plot(testerror, label='test error')
plt.legend()
plt.grid()
plt.savefig('hw2_problem2.png')
plt.show()
