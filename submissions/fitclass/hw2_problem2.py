"""Main file for problem 2. The network is in nets.py, the training in trainer.py."""
import matplotlib.pyplot as plt
import torchvision.transforms as T
from torchvision.datasets import CIFAR10

from nets import TinyResNet
from trainer import Trainer

stats = ((0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261))
augment = T.Compose([T.RandomCrop(32, padding=4), T.RandomHorizontalFlip(p=0.5), T.ToTensor(), T.Normalize(*stats)])
plain = T.Compose([T.ToTensor(), T.Normalize(*stats)])

train_set = CIFAR10("data", train=True, download=True, transform=augment)
val_set = CIFAR10("data", train=False, download=True, transform=plain)
print(len(train_set), "training and", len(val_set), "validation images")

model = TinyResNet()
print(model)
trainer = Trainer(model, train_set, val_set).fit(epochs=10)
print("BN:", sum(p.numel() for p in trainer.affine), "bias:", sum(p.numel() for p in trainer.biases),
      "rest:", sum(p.numel() for p in trainer.rest))

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4))
left.plot(trainer.log["loss"], label="train")
left.plot(trainer.log["val_loss"], label="val")
left.legend()
right.plot(trainer.log["val_acc"])
plt.tight_layout()
plt.savefig("fit.png", dpi=150)
