import math
import random

import torch
from torch.utils.data import Dataset, IterableDataset, Sampler


class ToyImages(Dataset):
    def __init__(self, n=100):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if i >= self.n:
            raise IndexError(i)
        g = torch.Generator().manual_seed(i)
        return torch.rand(3, 32, 32, generator=g), i % 10


class Balanced(Sampler):
    def __init__(self, labels, per_class):
        self.labels, self.per_class = labels, per_class

    def __iter__(self):
        by_class = {}
        for i, label in enumerate(self.labels):
            by_class.setdefault(label, []).append(i)
        chosen = [i for rows in by_class.values() for i in random.sample(rows, self.per_class)]
        random.shuffle(chosen)
        return iter(chosen)

    def __len__(self):
        return self.per_class * len(set(self.labels))


class Prefetch:
    def __init__(self, loader, device):
        self.loader, self.device = loader, device

    def __iter__(self):
        for batch in self.loader:
            yield [t.to(self.device, non_blocking=True) for t in batch]

    def __len__(self):
        return len(self.loader)

    def __getattr__(self, name):
        return getattr(self.loader, "dataset") if name == "data" else None

    def __contains__(self, item):
        return False


class Stream(IterableDataset):
    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        start = 0 if worker is None else worker.id * math.ceil(100 / worker.num_workers)
        return iter(range(start, 100))
