import random
import torch
import torchvision
from torch import nn
from torch.utils.data import Dataset, DataLoader, random_split
import torchvision.transforms.functional as TF
from torchvision import transforms

SEED = 1234
random.seed(SEED); torch.manual_seed(SEED)


class MyCIFAR(Dataset):
    """CIFAR10 with its own augmentation, and cutout"""

    def __init__(self, root, train):
        self.base = torchvision.datasets.CIFAR10(root=root, train=train, download=True)
        self.train = train
        self.to_tensor = transforms.Compose([
            transforms.ToTensor(),
            transforms.Normalize(mean=[0.4914, 0.4822, 0.4465], std=[0.2470, 0.2435, 0.2616]),
        ])

    def __getitem__(self, index):
        img, label = self.base[index]
        if self.train and random.random() < 0.5:
            img = TF.affine(img, angle=random.uniform(-8, 8), translate=(random.randint(-3, 3), random.randint(-3, 3)),
                            scale=1.0, shear=[0.0])
        x = self.to_tensor(img)
        if self.train and random.random() < 0.25:
            i, j = random.randint(0, 26), random.randint(0, 26)
            x[:, i:i + 6, j:j + 6] = 0
        return x, label

    def __len__(self):
        return len(self.base)


class Model(nn.Module):
    def __init__(self, w, num_classes):
        super(Model, self).__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, w, kernel_size=4, stride=4, bias=False), nn.BatchNorm2d(w), nn.ReLU(True),
            nn.Conv2d(w, 2 * w, kernel_size=3, padding=1, bias=False), nn.BatchNorm2d(2 * w), nn.ReLU(True),
            nn.Conv2d(2 * w, 2 * w, kernel_size=3, stride=2, padding=1, bias=False), nn.BatchNorm2d(2 * w), nn.ReLU(True),
            nn.Conv2d(2 * w, 2 * w, kernel_size=3, padding=1, bias=False), nn.BatchNorm2d(2 * w), nn.ReLU(True),
        )
        self.classifier = nn.Linear(2 * w, num_classes)

    def forward(self, x):
        x = self.features(x)
        x = nn.functional.adaptive_avg_pool2d(x, (1, 1))
        return self.classifier(torch.flatten(x, 1))


def no_weight_decay(name, p):
    return p.ndimension() == 1


def main():
    dev = torch.device("cuda") if torch.cuda.is_available() else torch.device("cpu")
    full = MyCIFAR('./data', train=True)
    train_set, val_set = random_split(full, [45000, 5000], generator=torch.Generator().manual_seed(SEED))
    test_set = MyCIFAR('./data', train=False)
    loaders = {
        'train': DataLoader(train_set, batch_size=32, shuffle=True),
        'val': DataLoader(val_set, batch_size=64),
        'test': DataLoader(test_set, batch_size=64),
    }
    model = Model(32, 10).to(dev)
    params = {True: [], False: []}
    for name, p in model.named_parameters():
        params[no_weight_decay(name, p)].append(p)
    optim = torch.optim.SGD([{'params': params[False], 'weight_decay': 1e-3}, {'params': params[True], 'weight_decay': 0}],
                            lr=0.05, momentum=0.9, nesterov=True)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(optim, T_max=10)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(10):
        for phase in ['train', 'val']:
            model.train(phase == 'train')
            running, corrects, seen = 0.0, 0, 0
            for x, y in loaders[phase]:
                x, y = x.to(dev), y.to(dev)
                optim.zero_grad()
                with torch.set_grad_enabled(phase == 'train'):
                    out = model(x)
                    loss = loss_fn(out, y)
                    if phase == 'train':
                        loss.backward()
                        optim.step()
                running += loss.item() * x.size(0)
                corrects += torch.sum(out.argmax(1) == y).item()
                seen += x.size(0)
            print('{} {}: loss {:.4f} acc {:.4f}'.format(epoch, phase, running / seen, corrects / seen))
        sched.step()
    model.eval()
    with torch.no_grad():
        right = sum((model(x.to(dev)).argmax(1).cpu() == y).sum().item() for x, y in loaders['test'])
    print('test accuracy', right / len(test_set))


if __name__ == '__main__':
    main()
