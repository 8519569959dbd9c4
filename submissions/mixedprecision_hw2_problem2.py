# needs a GPU! (run on colab with a T4)
import time
import torch
import torch.nn as nn
import torchvision
import torchvision.transforms as T
from torch.cuda.amp import GradScaler, autocast

device = 'cuda'
torch.backends.cudnn.benchmark = True
torch.cuda.manual_seed_all(0)

class Bottleneck(nn.Module):
    expansion = 2

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        out = planes * self.expansion
        self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=1)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=stride, padding=1)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, out, kernel_size=1)
        self.bn3 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or in_planes != out:
            self.downsample = nn.Sequential(nn.Conv2d(in_planes, out, 1, stride), nn.BatchNorm2d(out))

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)) + identity)


class ResNet(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, kernel_size=4, stride=4)
        self.bn1 = nn.BatchNorm2d(32)
        self.layer1 = Bottleneck(32, 24)
        self.layer2 = Bottleneck(48, 32, stride=2)
        self.layer3 = Bottleneck(64, 32)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, num_classes)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(torch.flatten(self.avgpool(x), 1))

tf_train = T.Compose([T.RandomCrop(32, padding=4), T.ToTensor(), T.Normalize((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))])
tf_test = T.Compose([T.ToTensor(), T.Normalize((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))])
trainset = torchvision.datasets.CIFAR10(root='./data', train=True, download=True, transform=tf_train)
testset = torchvision.datasets.CIFAR10(root='./data', train=False, download=True, transform=tf_test)
trainloader = torch.utils.data.DataLoader(trainset, batch_size=32, shuffle=True, num_workers=2, pin_memory=True)
testloader = torch.utils.data.DataLoader(testset, batch_size=256, num_workers=2, pin_memory=True)

model = ResNet().cuda()

bn_list = []
bias_list = []
everything_else = []
for name, module in model.named_modules():
    if isinstance(module, nn.BatchNorm2d):
        bn_list.append(module.weight)
        bn_list.append(module.bias)
    elif isinstance(module, nn.Conv2d) or isinstance(module, nn.Linear):
        everything_else.append(module.weight)
        if module.bias is not None: bias_list.append(module.bias)
assert len(bn_list) + len(bias_list) + len(everything_else) == len(list(model.parameters()))

loss_fn = nn.CrossEntropyLoss(label_smoothing=0.1).to(device)
optimizer = torch.optim.SGD([{"params": everything_else, "weight_decay": 1e-3}, {"params": bn_list}, {"params": bias_list}],
                            lr=0.05, momentum=0.9, nesterov=True)
scaler = GradScaler()
epochs = 10
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, epochs=epochs, steps_per_epoch=len(trainloader))

for epoch in range(epochs):
    start = time.time()
    model.train()
    for images, labels in trainloader:
        images = images.cuda(non_blocking=True)
        labels = labels.cuda(non_blocking=True)
        optimizer.zero_grad()
        with autocast():
            loss = loss_fn(model(images), labels)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        scaler.step(optimizer)
        scaler.update()
        scheduler.step()

    model.eval()
    correct = torch.zeros(1, device='cuda')
    with torch.no_grad(), autocast():
        for images, labels in testloader:
            correct += (model(images.to(device)).argmax(1) == labels.to(device)).sum()
    print('epoch', epoch, 'loss', loss.item(), 'val acc', correct.item() / len(testset), 'time', time.time() - start)

torch.cuda.empty_cache()
torch.save({'model': model.state_dict(), 'scaler': scaler.state_dict()}, 'amp.pth')
