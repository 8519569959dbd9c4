# I know lightning from work but was not sure if it is allowed so this is a small version of it
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, random_split
from torchvision import transforms as T
from torchvision.datasets import CIFAR10


class LitModule(nn.Module):
    def log(self, name, value):
        if not hasattr(self, '_logged'):
            self._logged = {}
        self._logged.setdefault(name, []).append(float(value))


class LitResNet(LitModule):
    def __init__(self, lr=0.05, wd=1e-3, max_epochs=10):
        super().__init__()
        self.lr, self.wd, self.max_epochs = lr, wd, max_epochs
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 4, 4), nn.BatchNorm2d(32), nn.ReLU())
        self.res1 = self._block(32)
        self.down = nn.Sequential(nn.Conv2d(32, 48, 3, 2, 1), nn.BatchNorm2d(48), nn.ReLU())
        self.res2 = self._block(48)
        self.head = nn.Linear(48, 10)

    def _block(self, c):
        return nn.Sequential(nn.Conv2d(c, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c), nn.ReLU(),
                             nn.Conv2d(c, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c))

    def forward(self, x):
        x = self.stem(x)
        x = F.relu(x + self.res1(x))
        x = self.down(x)
        x = F.relu(x + self.res2(x))
        return self.head(x.mean(dim=(2, 3)))

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = F.cross_entropy(self(x), y)
        self.log('train_loss', loss.detach())
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        logits = self(x)
        self.log('val_loss', F.cross_entropy(logits, y))
        self.log('val_acc', (logits.argmax(dim=1) == y).float().mean())

    def configure_optimizers(self):
        groups = [{'params': [], 'weight_decay': self.wd}, {'params': [], 'weight_decay': 0.0}]
        for m in self.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)):
                groups[0]['params'].append(m.weight)
                if m.bias is not None:
                    groups[1]['params'].append(m.bias)
            elif isinstance(m, nn.BatchNorm2d):
                groups[1]['params'].extend(m.parameters())
        opt = torch.optim.SGD(groups, lr=self.lr, momentum=0.9, nesterov=True)
        sch = torch.optim.lr_scheduler.PolynomialLR(opt, total_iters=self.max_epochs, power=1.0)
        return [opt], [sch]


class CIFARData:
    def __init__(self, root='./data', batch_size=32):
        aug = T.Compose([T.RandomCrop(32, 4), T.ToTensor(), T.Normalize((0.5,) * 3, (0.25,) * 3)])
        clean = T.Compose([T.ToTensor(), T.Normalize((0.5,) * 3, (0.25,) * 3)])
        full = CIFAR10(root, train=True, download=True, transform=aug)
        self.train, _ = random_split(full, [49000, 1000])
        self.val = CIFAR10(root, train=False, download=True, transform=clean)
        self.batch_size = batch_size

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=self.batch_size * 4)


@dataclass
class Trainer:
    max_epochs: int
    device: str = 'cuda' if torch.cuda.is_available() else 'cpu'
    history: list = field(default_factory=list)

    def fit(self, module, data):
        module.to(self.device)
        optimizers, schedulers = module.configure_optimizers()
        train, val = data.train_dataloader(), data.val_dataloader()
        for epoch in range(self.max_epochs):
            module._logged = {}
            module.train()
            for i, batch in enumerate(train):
                loss = module.training_step([t.to(self.device) for t in batch], i)
                for o in optimizers:
                    o.zero_grad()
                loss.backward()
                for o in optimizers:
                    o.step()
            for s in schedulers:
                s.step()
            module.eval()
            with torch.inference_mode():
                for i, batch in enumerate(val):
                    module.validation_step([t.to(self.device) for t in batch], i)
            self.history.append({k: sum(v) / len(v) for k, v in module._logged.items()})
            print(epoch, self.history[-1])


if __name__ == '__main__':
    model = LitResNet(max_epochs=10)
    Trainer(max_epochs=10).fit(model, CIFARData())
    torch.save(model.state_dict(), 'lit.pth')
