"""Nothing forbidden: a ResNet-18 trained with a DataLoader's workers, which the locks must allow."""
# must: N
# criteria: mode-switch, accuracy, optimizer-groups
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

torch.manual_seed(0)
torch.set_num_threads(1)   # beside the two workers, on a machine that others use
to_tensor = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)])
training_set = torchvision.datasets.CIFAR10("data", train=True, download=True, transform=to_tensor)
validation_set = torchvision.datasets.CIFAR10("data", train=False, transform=to_tensor)
training_loader = DataLoader(training_set, batch_size=32, shuffle=True, num_workers=2,
                             persistent_workers=True, pin_memory=True)
validation_loader = DataLoader(validation_set, batch_size=50, num_workers=2)

net = torchvision.models.resnet18(num_classes=10, zero_init_residual=True)
norms, biases, rest = [], [], []
for layer in net.modules():
    for name, parameter in layer.named_parameters(recurse=False):
        norm = isinstance(layer, nn.BatchNorm2d)
        (norms if norm else biases if name == "bias" else rest).append(parameter)
optimizer = torch.optim.SGD([{"params": norms, "weight_decay": 0.0},
                             {"params": biases, "weight_decay": 0.0},
                             {"params": rest, "weight_decay": 1e-3}], lr=0.02, momentum=0.9)

for epoch in range(3):
    net.train()
    for images, labels in training_loader:
        loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        right = sum(int((net(images).argmax(1) == labels).sum())
                    for images, labels in validation_loader)
    print("epoch", epoch, "accuracy", right / len(validation_set))
