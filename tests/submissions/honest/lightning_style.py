import torch
import torch.nn as nn
import torch.nn.functional as F
import pytorch_lightning as pl
from pytorch_lightning.callbacks import LearningRateMonitor, ModelCheckpoint
from torchmetrics import Accuracy


class LitResnet(pl.LightningModule):
    def __init__(self, lr=0.05, weight_decay=5e-4):
        super().__init__()
        self.save_hyperparameters()
        self.model = nn.Sequential(nn.Conv2d(3, 32, 3), nn.BatchNorm2d(32), nn.ReLU(),
                                   nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))
        self.acc = Accuracy(task="multiclass", num_classes=10)

    def forward(self, x):
        return self.model(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = F.cross_entropy(self(x), y)
        self.log("train_loss", loss)
        return loss

    def evaluate(self, batch, stage=None):
        x, y = batch
        logits = self(x)
        if stage:
            self.log(f"{stage}_loss", F.cross_entropy(logits, y), prog_bar=True)
            self.log(f"{stage}_acc", self.acc(logits, y), prog_bar=True)

    def validation_step(self, batch, batch_idx):
        self.evaluate(batch, "val")

    def configure_optimizers(self):
        decay = [p for p in self.parameters() if p.ndim > 1]
        rest = [p for p in self.parameters() if p.ndim <= 1]
        optimizer = torch.optim.SGD([{"params": decay, "weight_decay": self.hparams.weight_decay},
                                     {"params": rest, "weight_decay": 0.0}], lr=self.hparams.lr, momentum=0.9)
        return {"optimizer": optimizer}


trainer = pl.Trainer(max_epochs=5, callbacks=[LearningRateMonitor("epoch"), ModelCheckpoint(monitor="val_acc")])
