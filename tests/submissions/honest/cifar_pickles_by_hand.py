import os
import pickle

import numpy as np
import torch
from torch.utils.data import TensorDataset, DataLoader


def unpickle(file):
    with open(file, "rb") as fo:
        dict = pickle.load(fo, encoding="bytes")
    return dict


def load_cifar(root):
    xs, ys = [], []
    for i in range(1, 6):
        batch = unpickle(os.path.join(root, "data_batch_%d" % i))
        xs.append(batch[b"data"])
        ys += batch[b"labels"]
    x = np.concatenate(xs).reshape(-1, 3, 32, 32).astype("float32") / 255.0
    return torch.from_numpy(x), torch.tensor(ys)


root = "cifar-10-batches-py"
x, y = load_cifar(root)
mean = x.mean(dim=(0, 2, 3), keepdim=True)
std = x.std(dim=(0, 2, 3), keepdim=True)
train_loader = DataLoader(TensorDataset((x - mean) / std, y), batch_size=128, shuffle=True)
test = unpickle(os.path.join(root, "test_batch"))
names = unpickle(os.path.join(root, "batches.meta"))[b"label_names"]
print(names, len(train_loader))
