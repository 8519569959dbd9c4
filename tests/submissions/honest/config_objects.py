from types import SimpleNamespace

import torch
import yaml


class Config:
    def __init__(self, **kwargs):
        self.lr = 0.1
        self.batch_size = 128
        for key, value in kwargs.items():
            setattr(self, key, value)

    def to_dict(self):
        return dict(vars(self))

    def __str__(self):
        return "\n".join(f"{k}: {v}" for k, v in self.__dict__.items())


class AttrDict(dict):
    def __init__(self, *args, **kwargs):
        super(AttrDict, self).__init__(*args, **kwargs)
        self.__dict__ = self

    def __getattr__(self, key):
        return self[key]

    def __setattr__(self, key, value):
        super().__setattr__(key, value)


cfg = Config(epochs=5)
ns = SimpleNamespace(momentum=0.9, nesterov=True)
with open("config.yaml", "w") as f:
    yaml.safe_dump(cfg.to_dict(), f)
settings = yaml.load("lr: 0.1", Loader=yaml.SafeLoader)
cfg.lr = settings["lr"]
cfg.batch_size *= 2
sched = {"name": "StepLR", "step": 10}
ns.train = True
ns.step = 0
print(cfg, ns.momentum)
optimizer_name = "Adam"
net = torch.nn.Linear(2, 2)
opt = getattr(torch.optim, optimizer_name)(net.parameters())
scheduler = getattr(torch.optim.lr_scheduler, sched["name"])(opt, sched["step"])
