import os
import sys

IN_COLAB = "google.colab" in sys.modules
if IN_COLAB:
    from google.colab import drive
    drive.mount("/content/drive")
    ROOT = "/content/drive/MyDrive/dl/hw2"
else:
    ROOT = "."

try:
    import google.colab
    ON = True
except ImportError:
    ON = False

import torch
import torchvision
import numpy as np

for lib in (torch, torchvision, np):
    print(lib.__name__, lib.__version__)
print("Python", sys.version)
data_dir = os.path.join(ROOT, "data")
device = "cuda:0" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
