import json
import torch
from torch import nn
from torchvision import datasets
from torchvision.transforms import v2
import matplotlib.pyplot as plt

torch.set_float32_matmul_precision("high")
CONFIG = {"epochs": 10, "lr": 0.06, "momentum": 0.9, "wd": 1e-3, "batch": 32, "width": 32}
device = "cuda" if torch.cuda.is_available() else "cpu"

train_tf = v2.Compose([
    v2.ToImage(),
    v2.RandomCrop(32, padding=4),
    v2.ToDtype(torch.float32, scale=True),
    v2.Normalize(mean=[0.4914, 0.4822, 0.4465], std=[0.247, 0.243, 0.261]),
])
eval_tf = v2.Compose([
    v2.ToImage(),
    v2.ToDtype(torch.float32, scale=True),
    v2.Normalize(mean=[0.4914, 0.4822, 0.4465], std=[0.247, 0.243, 0.261]),
])
train_ds = datasets.CIFAR10("./data", train=True, transform=train_tf, download=True)
eval_ds = datasets.CIFAR10("./data", train=False, transform=eval_tf, download=True)
train_dl = torch.utils.data.DataLoader(train_ds, batch_size=CONFIG["batch"], shuffle=True, drop_last=True)
eval_dl = torch.utils.data.DataLoader(eval_ds, batch_size=100)


class PreAct(nn.Module):
    """pre-activation block"""

    def __init__(self, c):
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, c, 3, padding=1, bias=False),
            nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, c, 3, padding=1, bias=False),
        )

    def forward(self, x):
        return x + self.body(x)


w = CONFIG["width"]
raw_model = nn.Sequential(
    nn.Conv2d(3, w, 4, stride=4),
    PreAct(w),
    nn.Conv2d(w, 2 * w, 2, stride=2),
    PreAct(2 * w),
    nn.BatchNorm2d(2 * w), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    nn.Linear(2 * w, 10),
).to(device)
model = torch.compile(raw_model)


def configure(model):
    decay, no_decay = set(), set()
    for module_name, module in model.named_modules():
        for param_name, _ in module.named_parameters(recurse=False):
            full = f"{module_name}.{param_name}" if module_name else param_name
            if param_name.endswith("bias") or isinstance(module, nn.BatchNorm2d):
                no_decay.add(full)
            else:
                decay.add(full)
    assert not decay & no_decay and len(decay | no_decay) == len(list(model.parameters()))
    return torch.optim.SGD(
        [
            {"params": [model.get_parameter(n) for n in sorted(decay)], "weight_decay": CONFIG["wd"]},
            {"params": [model.get_parameter(n) for n in sorted(no_decay)], "weight_decay": 0.0},
        ],
        lr=CONFIG["lr"], momentum=CONFIG["momentum"], nesterov=True,
    )


optimizer = configure(raw_model)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, CONFIG["lr"], total_steps=CONFIG["epochs"] * len(train_dl))
criterion = nn.CrossEntropyLoss()


def step(images, labels):
    optimizer.zero_grad(set_to_none=True)
    loss = criterion(model(images), labels)
    loss.backward()
    optimizer.step()
    scheduler.step()
    return loss.detach()


@torch.no_grad()
def validate():
    model.eval()
    correct = sum((model(x.to(device)).argmax(1) == y.to(device)).sum() for x, y in eval_dl)
    return correct.item() / len(eval_ds)


history = []
for epoch in range(CONFIG["epochs"]):
    model.train()
    losses = [step(x.to(device), y.to(device)) for x, y in train_dl]
    history.append({"epoch": epoch, "loss": torch.stack(losses).mean().item(), "accuracy": validate()})
    print(json.dumps(history[-1]))
with open("history.json", "w") as f:
    json.dump({"config": CONFIG, "history": history}, f, indent=2)
plt.plot([h["loss"] for h in history])
plt.plot([1 - h["accuracy"] for h in history])
plt.legend(["training loss", "validation error"])
plt.savefig("problem2.png")
