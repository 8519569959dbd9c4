import torch, torch.nn as nn, torch.nn.functional as F

# ---- 1(e)

def group_parameters(model):
    bn, bias, rest = [], [], []
    for module in model.modules():
        for name, p in module.named_parameters(recurse=False):
            if isinstance(module, nn.BatchNorm2d): bn.append(p)
            elif name == 'bias': bias.append(p)
            else: rest.append(p)
    return {'bn': bn, 'bias': bias, 'rest': rest}

# ---- training

class B(nn.Module):
    def __init__(s, i, o, stride):
        super().__init__()
        s.c1 = nn.Conv2d(i, o, 3, stride, 1, bias=False); s.b1 = nn.BatchNorm2d(o)
        s.c2 = nn.Conv2d(o, o, 3, 1, 1, bias=False); s.b2 = nn.BatchNorm2d(o)
        s.d = nn.Conv2d(i, o, 1, stride, bias=False); s.b3 = nn.BatchNorm2d(o)
    def forward(s, x):
        return F.relu(s.b2(s.c2(F.relu(s.b1(s.c1(x))))) + s.b3(s.d(x)))

def build_model(num_classes=10):
    return nn.Sequential(B(3, 16, 1), B(16, 32, 2), B(32, 64, 2),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, num_classes))

def make_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3)

def train_one_epoch(model, loader, optimizer):
    model.train()
    for x, t in loader:
        loss = F.cross_entropy(model(x), t)
        optimizer.zero_grad(); loss.backward(); optimizer.step()
    return float(loss)

def evaluate(model, loader):
    model.eval()
    z = [(model(x).detach(), t) for x, t in loader]
    out, t = torch.cat([a for a, _ in z]), torch.cat([b for _, b in z])
    return F.cross_entropy(out, t).item(), (out.argmax(1) == t).float().mean().item()
