import torch
import torch.nn as nn
from torch.optim.lr_scheduler import CosineAnnealingLR


class Trainer:
    def __init__(self, model, train_set, val_set, lr=0.05, weight_decay=1e-3, batch_size=32):
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = model.to(self.device)
        self.loss = nn.CrossEntropyLoss()
        self.train_loader = torch.utils.data.DataLoader(train_set, batch_size=batch_size, shuffle=True)
        self.val_loader = torch.utils.data.DataLoader(val_set, batch_size=200)
        self._split_parameters()
        self.optimizer = torch.optim.SGD(
            [
                {"params": self.affine, "weight_decay": 0.0},
                {"params": self.biases, "weight_decay": 0.0},
                {"params": self.rest, "weight_decay": weight_decay},
            ],
            lr=lr, momentum=0.9, nesterov=True,
        )
        self.log = {"loss": [], "val_loss": [], "val_acc": []}

    def _split_parameters(self):
        # part (e) of problem 1
        self.affine, self.biases, self.rest = [], [], []
        for m in self.model.modules():
            for name, p in m.named_parameters(recurse=False):
                if isinstance(m, nn.BatchNorm2d):
                    self.affine.append(p)
                elif name == "bias":
                    self.biases.append(p)
                else:
                    self.rest.append(p)

    def fit(self, epochs):
        scheduler = CosineAnnealingLR(self.optimizer, epochs)
        for e in range(epochs):
            self.log["loss"].append(self._train_epoch())
            loss, acc = self.score()
            self.log["val_loss"].append(loss)
            self.log["val_acc"].append(acc)
            scheduler.step()
            print("epoch %d  loss %.3f  val loss %.3f  val acc %.3f" % (e, self.log["loss"][-1], loss, acc))
        return self

    def _train_epoch(self):
        self.model.train()
        running = 0.0
        for images, labels in self.train_loader:
            images, labels = images.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            loss = self.loss(self.model(images), labels)
            loss.backward()
            self.optimizer.step()
            running += loss.item() * len(images)
        return running / len(self.train_loader.dataset)

    def score(self):
        self.model.eval()
        loss, right = 0.0, 0
        with torch.no_grad():
            for images, labels in self.val_loader:
                images, labels = images.to(self.device), labels.to(self.device)
                scores = self.model(images)
                loss += self.loss(scores, labels).item() * len(images)
                right += int((scores.argmax(1) == labels).sum())
        return loss / len(self.val_loader.dataset), right / len(self.val_loader.dataset)
