import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, ".."))
sys.path.insert(0, HERE)
sys.path.append("/content/drive/MyDrive/hw2")

import torch
from torchvision.models import resnet18

net = resnet18()
for name, module in net.named_modules():
    n = sum(p.numel() for p in module.parameters(recurse=False))
    if n > 0:
        print(f"{name:30s} {module.__class__.__name__:15s} {n}", file=sys.stdout)
print("total", sum(p.numel() for p in net.parameters()))
if len(sys.argv) > 1 and sys.argv[1] == "--quit":
    sys.exit(0)
sys.stdout.flush()
