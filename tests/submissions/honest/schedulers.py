import math

import numpy as np
import torch
from torch.optim.lr_scheduler import (CosineAnnealingLR, LambdaLR, MultiStepLR, OneCycleLR, ReduceLROnPlateau,
                                      _LRScheduler)


class WarmUpLR(_LRScheduler):
    """warmup_training learning rate scheduler"""

    def __init__(self, optimizer, total_iters, last_epoch=-1):
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base_lr * self.last_epoch / (self.total_iters + 1e-8) for base_lr in self.base_lrs]


class Cosine:
    def __init__(self, optimizer, warmup, total):
        self.optimizer, self.warmup, self.total = optimizer, warmup, total
        self._step_count = 0
        self._last = [g["lr"] for g in optimizer.param_groups]

    def step(self):
        self._step_count += 1
        t = self._step_count
        f = t / self.warmup if t < self.warmup else 0.5 * (1 + math.cos(math.pi * t / self.total))
        for g, lr in zip(self.optimizer.param_groups, self._last):
            g["lr"] = lr * f

    def get_last_lr(self):
        return [g["lr"] for g in self.optimizer.param_groups]


net = torch.nn.Linear(2, 2)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
sched = LambdaLR(opt, lr_lambda=lambda e: np.interp([e], [0, 5, 24], [0, 0.4, 0])[0])
after = torch.optim.lr_scheduler.SequentialLR(opt, [WarmUpLR(opt, 5), CosineAnnealingLR(opt, 20)], [5])
print(sched.get_last_lr(), sched._last_lr, after._step_count)
