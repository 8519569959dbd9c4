import torch
from params import separate
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


class Trainer:
    def __init__(self, network, lr=0.05, decay=1e-3):
        self.network = network
        kinds = separate(network)
        self.optimizer = torch.optim.SGD([
            {"params": [p for _, p in kinds["rest"]], "weight_decay": decay},
            {"params": [p for _, p in kinds["bn"] + kinds["bias"]]},
        ], lr=lr, momentum=0.9, nesterov=True)
        to_tensor = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])
        self.train_set = datasets.CIFAR10("data", True, to_tensor, download=True)
        self.test_set = datasets.CIFAR10("data", False, to_tensor, download=True)
        self.history = []

    def fit(self, epochs):
        scheduler = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, 0.2, epochs=epochs, steps_per_epoch=len(self.train_set) // 64 + 1)
        for _ in range(epochs):
            self.network.train()
            for batch in DataLoader(self.train_set, 64, shuffle=True):
                self._step(*batch)
                scheduler.step()
            self.history.append(self._validate())
            print("validation accuracy", self.history[-1])

    def _step(self, images, labels):
        self.optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(self.network(images), labels)
        loss.backward()
        self.optimizer.step()

    @torch.inference_mode()
    def _validate(self):
        self.network.eval()
        right = sum(int((self.network(x).argmax(1) == y).sum()) for x, y in DataLoader(self.test_set, 128))
        return right / len(self.test_set)
