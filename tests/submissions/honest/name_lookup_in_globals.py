import torch.nn as nn

if "model" not in globals():
    model = nn.Sequential(nn.Linear(2, 2))
try:
    criterion
except NameError:
    criterion = nn.CrossEntropyLoss()

history = []
if "optimizer" in locals():
    print("there is an optimizer already")


def show(**kwargs):
    for k, v in kwargs.items():
        print(f"{k} = {v}")


show(layers=len(model), loss=type(criterion).__name__, doc=(nn.Linear.__doc__ or "")[:20])
