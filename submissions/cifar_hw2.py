"""Homework 2. Prints every parameter group, trains on CIFAR-10 and plots the learning curve."""
import matplotlib.pyplot as plt
import torch
import torch.nn as nn
import torch.optim as optim
import torchvision
import torchvision.transforms as T

device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
torch.manual_seed(546)

# ---------------------------------------------------------------- 1(c), 1(e)
resnet = torchvision.models.resnet18(pretrained=True)

counts = {}
for name, layer in resnet.named_modules():
    if isinstance(layer, (nn.Conv2d, nn.BatchNorm2d, nn.Linear)):
        counts[name] = sum(p.numel() for p in layer.parameters())
print(counts)


def separate(model):
    bn, bias, rest = [], [], []
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            bn.extend(layer.parameters())
        elif isinstance(layer, (nn.Conv2d, nn.Linear)):
            rest.append(layer.weight)
            if layer.bias is not None:
                bias.append(layer.bias)
    return bn, bias, rest


bn_params, bias_params, rest_params = separate(resnet)
print("bn", sum(p.numel() for p in bn_params))
print("bias", sum(p.numel() for p in bias_params))
print("rest", sum(p.numel() for p in rest_params))
for i, value in enumerate(bias_params[0].detach().repeat(10)[:10000]):
    print("fc bias", i, value.item())

# ---------------------------------------------------------------- data
normalize = T.Normalize((0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261))
transform = T.Compose([T.ToTensor(), normalize])
trainset = torchvision.datasets.CIFAR10(root="./data", train=True, download=True, transform=transform)
testset = torchvision.datasets.CIFAR10(root="./data", train=False, download=True, transform=transform)
trainloader = torch.utils.data.DataLoader(trainset, batch_size=64, shuffle=True)
testloader = torch.utils.data.DataLoader(testset, batch_size=100, shuffle=False)

fig, axes = plt.subplots(2, 5)
for ax, (img, label) in zip(axes.flat, trainset):
    ax.imshow(img.permute(1, 2, 0) * 0.25 + 0.45)
    ax.set_title(trainset.classes[label])
plt.show()


# ---------------------------------------------------------------- network
class Block(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(a, b, 3, stride, 1), nn.BatchNorm2d(b), nn.ReLU(),
            nn.Conv2d(b, b, 3, 1, 1), nn.BatchNorm2d(b),
        )
        self.skip = nn.Sequential(nn.Conv2d(a, b, 1, stride), nn.BatchNorm2d(b))

    def forward(self, x):
        return torch.relu(self.body(x) + self.skip(x))


net = nn.Sequential(
    nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(),
    Block(16, 32, 2), Block(32, 64, 2),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
).to(device)

net_bn, net_bias, net_rest = separate(net)
optimizer = optim.SGD(
    [{"params": net_rest, "weight_decay": 1e-3}, {"params": net_bn}, {"params": net_bias}],
    lr=0.05, momentum=0.9, nesterov=True,
)
criterion = nn.CrossEntropyLoss()
scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[6, 9], gamma=0.1)

# ---------------------------------------------------------------- training
train_losses, val_errors = [], []
for epoch in range(10):
    net.train()
    running = 0.0
    for inputs, labels in trainloader:
        inputs, labels = inputs.to(device), labels.to(device)
        optimizer.zero_grad()
        loss = criterion(net(inputs), labels)
        loss.backward()
        optimizer.step()
        running += loss.item()
    scheduler.step()
    train_losses.append(running / len(trainloader))

    net.eval()
    wrong = 0
    with torch.no_grad():
        for inputs, labels in testloader:
            pred = net(inputs.to(device)).argmax(dim=1).cpu()
            wrong += (pred != labels).sum().item()
    val_errors.append(wrong / len(testset))
    print("epoch", epoch + 1, "loss", train_losses[-1], "val error", val_errors[-1])

plt.figure()
plt.plot(train_losses)
plt.plot(val_errors)
plt.savefig("hw2_curves.png")
plt.show()
torch.save(net.state_dict(), "net.pth")
