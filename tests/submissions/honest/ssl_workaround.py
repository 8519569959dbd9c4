import ssl

ssl._create_default_https_context = ssl._create_unverified_context

import tarfile
import urllib.request
from pathlib import Path

from PIL import Image, ImageFile
from torchvision import datasets, transforms

ImageFile.LOAD_TRUNCATED_IMAGES = True
url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
target = Path("data/cifar-10-python.tar.gz")
if not target.exists():
    target.parent.mkdir(exist_ok=True)
    urllib.request.urlretrieve(url, str(target))
    with tarfile.open(target, "r:gz") as tar:
        tar.extractall("data")
train = datasets.CIFAR10(root="data", train=True, download=True, transform=transforms.ToTensor())
for i, (image, label) in zip(range(4), train):
    Image.fromarray((image.permute(1, 2, 0).numpy() * 255).astype("uint8")).save(f"sample_{i}.png")
