import torchvision

from nets import TinyResNet
from params import count_by_layer, separate
from trainer import Trainer

if __name__ == "__main__":
    resnet = torchvision.models.resnet18()
    by_layer = count_by_layer(resnet)
    print(by_layer)
    separated = separate(resnet)
    for name, members in separated.items():
        print(name, sum(p.numel() for _, p in members))
    trainer = Trainer(TinyResNet())
    trainer.fit(epochs=10)
