import random

import numpy as np
import torch
from torch.utils.data import DataLoader, Subset, WeightedRandomSampler, random_split
from torch.utils.data.dataloader import default_collate
from torchvision import transforms as T
from torchvision.transforms import functional as TF
from torchvision.datasets import CIFAR10


def seed_everything(seed=42):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)


def seed_worker(worker_id):
    worker_seed = torch.initial_seed() % 2 ** 32
    np.random.seed(worker_seed)
    random.seed(worker_seed)


def collate(batch):
    images, labels = default_collate(batch)
    return images.contiguous(), labels


seed_everything()
g = torch.Generator()
g.manual_seed(0)
full = CIFAR10("./data", train=True, download=True, transform=T.Compose([T.RandomCrop(32, 4), T.ToTensor()]))
full.transform = T.ToTensor()
n = int(0.9 * len(full))
train, val = random_split(full, [n, len(full) - n], generator=g)
val.dataset.transform = T.ToTensor()
weights = np.bincount(full.targets)[full.targets]
sampler = WeightedRandomSampler(torch.as_tensor(weights, dtype=torch.double), len(train))
loader = DataLoader(Subset(train, range(100)), batch_size=32, worker_init_fn=seed_worker, generator=g,
                    collate_fn=collate, num_workers=2, persistent_workers=True)
print(TF.to_tensor(np.zeros((4, 4, 3), dtype=np.uint8)).shape, len(sampler))
